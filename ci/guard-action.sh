#!/usr/bin/env bash
# The steps of action.yml: `ci/guard-action.sh install|guard-status|embed|bundle`. Its inputs come from the environment.
set -euo pipefail

case "${1:-}" in
install)
    case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) target=x86_64-unknown-linux-gnu ending=tar.gz ;;
    Linux-ARM64) target=aarch64-unknown-linux-gnu ending=tar.gz ;;
    macOS-ARM64) target=aarch64-apple-darwin ending=tar.gz ;;
    Windows-X64) target=x86_64-pc-windows-msvc ending=zip ;;
    *) echo "::error::there is no release for $RUNNER_OS on $RUNNER_ARCH" && exit 2 ;;
    esac
    [[ $SHA256 =~ ^[0-9a-f]{64}$ ]] || { echo "::error::sha256: give the 64 hex digits of the archive for $target" && exit 2; }
    folder=$RUNNER_TEMP/zk-ceremony
    mkdir -p "$folder"
    name=zk-ceremony-$TAG-$target
    curl --fail --silent --show-error --location --retry 3 --output "$folder/$name.$ending" "$URL/$TAG/$name.$ending"
    sum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
    found=$(sum <"$folder/$name.$ending" | cut -d' ' -f1)
    if [ "$found" != "$SHA256" ]; then
        echo "::error::$name.$ending has another SHA-256: found $found, expected $SHA256"
        exit 1
    fi
    # Nothing is unpacked before its digest is known.
    if [ "$ending" = zip ]; then unzip -q -o "$folder/$name.zip" -d "$folder"; else tar -xzf "$folder/$name.tar.gz" -C "$folder"; fi
    echo "$folder/$name" >>"$GITHUB_PATH"
    "$folder/$name/zk-ceremony" --version
    ;;
guard-status)
    reviewed=()
    [ -z "$GUARD" ] || reviewed=(--guard "$GUARD")
    zk-ceremony guard-status --manifest-path "$MANIFEST_PATH" ${reviewed[@]+"${reviewed[@]}"}
    ;;
embed)
    read -ra options <<<"$EMBED_OPTIONS"
    cd "$(dirname "$MANIFEST_PATH")"
    zk-embed --check ${options[@]+"${options[@]}"}
    ;;
bundle) cd "$(dirname "$MANIFEST_PATH")" && zk-ceremony bundle verify "$BUNDLE" --policy "$POLICY" ;;
*) echo "usage: ci/guard-action.sh install|guard-status|embed|bundle" >&2 && exit 2 ;;
esac
