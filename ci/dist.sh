#!/usr/bin/env bash
# Builds the two programs as they are released, into a folder: `ci/dist.sh OUT`. The same sources, compiler, linker and
# system libraries give the same bytes in every folder. On Linux and macOS each program is stripped, and its line tables
# are next to it. Fails when a path of this machine got in.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: ci/dist.sh OUT" >&2; exit 2; }

# As cargo and the compiler write paths.
native() { if command -v cygpath >/dev/null; then cygpath -aw "$1"; else printf '%s' "$1"; fi; }
mkdir -p "$1" "${CARGO_TARGET_DIR:-target}"
out=$(cd "$1" && pwd -P)
checkout=$(native "$(pwd -P)")
target=$(native "$(cd "${CARGO_TARGET_DIR:-target}" && pwd -P)")
cargo_home=$(native "$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)")

# The longest first where one is inside another: the last that fits counts.
from=("$checkout" "$cargo_home" "$target")
to=(/build/checkout /build/cargo /build/target)
encoded=
flags=
for i in "${!from[@]}"; do
    encoded+=${encoded:+$'\x1f'}--remap-path-prefix=${from[i]}=${to[i]}
    flags+=" $(printf %q "-ffile-prefix-map=${from[i]}=${to[i]}")"
done
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$target
ending=
case "$(uname -s)" in
Linux) ;;
Darwin) export CARGO_PROFILE_DIST_SPLIT_DEBUGINFO=packed CARGO_PROFILE_DIST_STRIP=symbols ZERO_AR_DATE=1 ;;
*)
    ending=.exe
    # No time, and no path of the debug file.
    encoded+=$'\x1f-Clink-arg=/Brepro'
    flags=
    ;;
esac
# In this form, folders may have spaces in their names. Flags of the caller would give another program.
unset RUSTFLAGS
export CARGO_ENCODED_RUSTFLAGS=$encoded
# For what dependencies have of C and assembler.
[ -z "$flags" ] || export CFLAGS=$flags CC_SHELL_ESCAPED_FLAGS=1

cargo build --profile dist --locked --package zk-ceremony --package zk-embed --bins
for program in zk-ceremony zk-embed; do
    built=$target/dist/$program$ending
    case "$(uname -s)" in
    Linux)
        cp "$built" "$out/$program"
        # The link to the debug file holds its name alone.
        (
            cd "$out"
            objcopy --only-keep-debug "$program" "$program.debug"
            chmod a-x "$program.debug"
            objcopy --strip-all --add-gnu-debuglink="$program.debug" "$program"
        )
        ;;
    Darwin)
        cp "$built" "$out/$program"
        rm -rf "$out/$program.dSYM"
        cp -R "$target/dist/$program.dSYM" "$out/"
        ;;
    *)
        cp "$built" "$out/"
        cp "$target/dist/${program//-/_}.pdb" "$out/"
        ;;
    esac
    for path in "${from[@]}" "$(native "${HOME:-/root}")"; do
        # As long as a path is no name of a system folder, which everybody has.
        [ "${#path}" -gt 5 ] || path+=/
        if LC_ALL=C grep -aqF -- "$path" "$out/$program$ending"; then
            echo "$program: a path of this machine is in the program: $path" >&2
            escaped=$(printf %s "$path" | sed 's/[][\.*^$+?(){}|]/\\&/g')
            LC_ALL=C grep -aoE -- "${escaped}[ -~]{0,160}" "$out/$program$ending" | sort -u | sed -n '1,5p' >&2
            exit 1
        fi
    done
done
