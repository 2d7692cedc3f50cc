#!/usr/bin/env bash
# Packages the libraries as they would be published, and a library of somebody else's that embeds a key under the guard;
# then builds that library, and what it needs of ours, from the packages alone and without a network.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
[[ $target = /* ]] || target=$PWD/$target
# In the order in which they would be published.
packages=(zk-attest zk-vk-guard bn254-batch ceremony-core ceremony-folder zk-embed)

options=()
for package in "${packages[@]}"; do options+=(--package "$package"); done
# Compiling each from its package once more would take as long as all tests: the two that others build are built below.
cargo package --locked --no-verify --allow-dirty --quiet "${options[@]}"
for package in "${packages[@]}"; do
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        tar tzf "$target/package/$package-0.1.0.crate" "$package-0.1.0/$file" >/dev/null
    done
done

# A workspace of others, with our packages as they were unpacked: cargo takes them for published ones while it packages.
others=$target/packages
rm -rf "$others"
mkdir -p "$others/downstream/src"
for package in zk-attest zk-vk-guard; do
    tar xzf "$target/package/$package-0.1.0.crate" -C "$others"
    # What cargo adds to a package and refuses in the source of one.
    mv "$others/$package-0.1.0/Cargo.toml.orig" "$others/$package.Cargo.toml"
    rm "$others/$package-0.1.0/Cargo.lock" "$others/$package-0.1.0/.cargo_vcs_info.json"
done
cp -r examples/attestation/zk "$others/downstream/zk"
pin=$(grep -o '"[0-9a-f]\{64\}"' examples/attestation/build.rs)
cat >"$others/Cargo.toml" <<'EOF'
[workspace]
resolver = "3"
members = ["downstream", "zk-attest-0.1.0", "zk-vk-guard-0.1.0"]
[patch.crates-io]
zk-attest = { path = "zk-attest-0.1.0" }
EOF
cat >"$others/downstream/Cargo.toml" <<'EOF'
[package]
name = "downstream"
description = "A library that embeds a key"
version = "1.0.0"
edition = "2021"
license = "MIT"
[features]
default = ["zk-vk-provisioned"]
zk-vk-provisioned = []
[build-dependencies]
zk-vk-guard = { version = "0.1.0", path = "../zk-vk-guard-0.1.0" }
EOF
cat >"$others/downstream/build.rs" <<EOF
fn main() {
    zk_vk_guard::Guard::new("zk/trust-policy.json", $pin).allow_rehearsal().run();
}
EOF
cat >"$others/downstream/src/lib.rs" <<'EOF'
#![no_std]
#[cfg(feature = "zk-vk-provisioned")]
include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));
EOF
cp Cargo.lock "$others/Cargo.lock"
# The snippet of the example is the one with arkworks' points.
zk_embed() { cargo run --locked --quiet --package zk-embed -- "$@"; }
zk_embed --bundle "$others/downstream/zk/bundle.json" --policy "$others/downstream/zk/trust-policy.json" \
    --out "$others/downstream/zk/verifying_key.rs"

cd "$others"
export CARGO_TARGET_DIR=$target
cargo update --quiet --offline --workspace
# Verified: each is compiled from its package, the library with the guard at work.
cargo package --offline --allow-dirty --quiet --package zk-attest --package zk-vk-guard --package downstream
tar tzf "$target/package/downstream-1.0.0.crate" downstream-1.0.0/zk/bundle.json >/dev/null
built=$(find "$target/package/downstream-1.0.0" "$target/debug/build" -path '*downstream*/out/verifying_key.rs' -newer Cargo.toml | head -n 1)
[ -n "$built" ] || { echo "the guard wrote no key for the packaged library" >&2; exit 1; }
echo "packaged: ${packages[*]}; a library with a guarded key builds from its package"
