#!/usr/bin/env bash
# Builds the programs of this commit in a container, and compares them with what was released:
#
#   ci/rebuild.sh [--stand-in] [--level N] [--folder DIR] [SHA256SUMS]
#
# Prints a line for each program: SHA-256, name, commit, compiler, image it was built in, image that it gives. With a list
# of sums, prints MATCH or DIFFERENT for each program that is on it, under its own name or under a release's
# (NAME-TAG-TARGET): exit status 0 if all match, 1 if one does not or none is there, 2 if nothing could be built. The
# programs are left in target/rebuilt, with the list SHA256SUMS.
#
# --stand-in  where no image can be had: Debian's packages make a root file system (mmdebstrap), and this machine's
#             compiler and registry are mounted. Needs root and buildah. The root file system is kept in
#             target/stand-in-DEBIAN.tar, and used again.
# --level N   optimisation; 0 for a quick comparison
# --folder DIR  where the sources lie in the container; it must not matter
# RUST=IMAGE  another base image than the Dockerfile's
set -euo pipefail
cd "$(dirname "$0")/.."

stand_in=
level=3
folder=/sources-of-this-image
while [ $# -gt 0 ]; do
    case "$1" in
    --stand-in) stand_in=1 ;;
    --level) level=$2 && shift ;;
    --folder) folder=$2 && shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    *) break ;;
    esac
    shift
done
sums=${1:-}
[ -z "$sums" ] || [ -r "$sums" ] || { echo "$sums: cannot be read" >&2; exit 2; }
if [ -n "$(git status --porcelain)" ]; then
    echo "the checkout differs from its commit: commit or stash what \`git status\` shows" >&2
    exit 2
fi
commit=$(git rev-parse HEAD)
out=$PWD/target/rebuilt
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The commit's files and no others.
context=$work/context
mkdir "$context"
git archive HEAD | tar -x -C "$context"

image=${RUST:-$(sed -n 's/^ARG RUST=//p' Dockerfile)}
builder=
for tool in docker podman buildah; do
    [ -z "$stand_in" ] || [ "$tool" = buildah ] || continue
    if command -v "$tool" >/dev/null && "$tool" info >/dev/null 2>&1; then builder=$tool && break; fi
done
[ -n "$builder" ] || { echo "none of docker, podman and buildah is here and runs" >&2; exit 2; }

# Nothing of buildah's needs a daemon, and as root nothing needs a kernel's help.
buildah() { command buildah --storage-driver vfs --root "$work/images" --runroot "$work/run" "$@"; }
options=()
if [ -n "$stand_in" ]; then
    # Debian's name for the release that the pinned image is made of.
    debian=${image##*-}
    debian=${debian%%@*}
    root=target/stand-in-$debian.tar
    if [ ! -e "$root" ]; then
        mmdebstrap --quiet --variant=minbase --include=gcc,libc6-dev,ca-certificates "$debian" "$work/root.tar" >&2
        mv "$work/root.tar" "$root"
    fi
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$root" / >&2
    buildah config --env PATH=/toolchain/bin:/usr/bin:/bin --env CARGO_HOME=/usr/local/cargo \
        --env CARGO_NET_OFFLINE=true "$container"
    buildah commit --quiet --rm "$container" localhost/stand-in >&2
    image="mmdebstrap $debian gcc $(tar -xOf "$root" ./var/lib/dpkg/status | sed -n '/^Package: gcc$/,/^$/s/^Version: //p')"
    cargo fetch --locked --quiet
    options=(--volume "$(rustc --print sysroot):/toolchain:ro"
        --volume "$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)/registry:/usr/local/cargo/registry:ro"
        --build-arg RUST=localhost/stand-in)
else
    options=(--build-arg RUST="$image")
fi
options+=(--build-arg COMMIT="$commit" --build-arg OPT_LEVEL="$level" --build-arg FOLDER="$folder" --iidfile "$work/id")

case "$builder" in
buildah)
    buildah bud --isolation chroot --timestamp 0 "${options[@]}" "$context" >&2
    container=$(buildah from "$(cat "$work/id")")
    cp -a "$(buildah mount "$container")/." "$out/"
    ;;
podman)
    podman build --timestamp 0 "${options[@]}" "$context" >&2
    container=$(podman create "$(cat "$work/id")" /zk-ceremony)
    podman cp "$container:/." "$out"
    podman rm "$container" >/dev/null
    ;;
docker)
    docker build --build-arg SOURCE_DATE_EPOCH=0 "${options[@]}" "$context" >&2
    container=$(docker create "$(cat "$work/id")" /zk-ceremony)
    # Without the files that a runtime puts into a container.
    for file in zk-ceremony zk-ceremony.debug zk-embed zk-embed.debug; do
        docker cp --quiet "$container:/$file" "$out/"
    done
    docker rm "$container" >/dev/null
    ;;
esac

made=$(cat "$work/id")
host=$(rustc -vV 2>/dev/null | sed -n 's/^host: //p') || true
host=${host:-$(uname -m)-unknown-linux-gnu}
(cd "$out" && sha256sum zk-ceremony zk-ceremony.debug zk-embed zk-embed.debug >SHA256SUMS)
compiler=$(LC_ALL=C grep -aoE 'rustc version [0-9.]+ \([0-9a-f]+ [0-9-]+\)' "$out/zk-ceremony.debug" | sort -u)
while read -r digest name; do
    case "$name" in *.debug) ;; *) echo "$digest  $name  commit $commit  $compiler  in $image  image ${made#sha256:}" ;; esac
done <"$out/SHA256SUMS"
[ -n "$sums" ] || exit 0

mapfile -t listed <"$sums"
beside=$(dirname "$sums")
compared=0
differs=0
for line in "${listed[@]}"; do
    read -r digest name <<<"$line"
    for program in zk-ceremony zk-embed; do
        case "$name" in "$program" | "$program-"*"-$host") ;; *) continue ;; esac
        compared=$((compared + 1))
        if [ "$digest" = "$(sha256sum <"$out/$program" | cut -d' ' -f1)" ]; then
            echo "MATCH      $name"
            continue
        fi
        differs=1
        echo "DIFFERENT  $name"
        if [ -r "$beside/$name" ] && command -v diffoscope >/dev/null; then
            diffoscope --max-report-size 200000 "$beside/$name" "$out/$program" || true
        fi
    done
done
[ "$compared" -gt 0 ] || { echo "$sums: has no program for $host" >&2; exit 1; }
exit "$differs"
