#!/usr/bin/env bash
# Packages the libraries as they would be published, and a library of somebody else's that embeds a key under the guard;
# then builds that library, and what it needs of ours, from the packages alone and without a network.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
[[ $target = /* ]] || target=$PWD/$target
# In the order in which they would be published.
packages=(zk-attest zk-vk-guard bn254-batch-macros bn254-batch ceremony-core ceremony-folder zk-embed)

options=()
for package in "${packages[@]}"; do options+=(--package "$package"); done
# What the registry would be asked, and would refuse, in the order of the dependencies; nothing is sent.
cargo publish --dry-run --locked --no-verify --allow-dirty --quiet "${options[@]}"
# Compiling each from its package once more would take as long as all tests: the two that others build are built below.
cargo package --locked --no-verify --allow-dirty --quiet "${options[@]}"
for package in "${packages[@]}"; do
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        tar tzf "$target/package/$package-0.1.0.crate" "$package-0.1.0/$file" >/dev/null
    done
done

# A library of others, which takes ours from where they are published: here from the unpacked packages.
others=$target/packages
rm -rf "$others"
mkdir -p "$others/downstream/src"
for package in zk-attest zk-vk-guard; do
    tar xzf "$target/package/$package-0.1.0.crate" -C "$others"
done
cp -r examples/attestation/zk "$others/downstream/zk"
pin=$(grep -o '"[0-9a-f]\{64\}"' examples/attestation/build.rs)
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
zk-vk-guard = "0.1.0"
[workspace]
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
# The snippet of the example is the one with arkworks' points.
[ -x "$target/debug/zk-embed" ] || cargo build --locked --quiet --package zk-embed
"$target/debug/zk-embed" --bundle "$others/downstream/zk/bundle.json" --policy "$others/downstream/zk/trust-policy.json" \
    --out "$others/downstream/zk/verifying_key.rs"

# Its package, and a build from that: the guard at work, with nothing from a network.
cargo package --offline --allow-dirty --quiet --no-verify --exclude-lockfile \
    --manifest-path "$others/downstream/Cargo.toml" --target-dir "$others/target"
tar xzf "$others/target/package/downstream-1.0.0.crate" -C "$others"
cat >>"$others/downstream-1.0.0/Cargo.toml" <<'EOF'
[workspace]
[patch.crates-io]
zk-attest = { path = "../zk-attest-0.1.0" }
zk-vk-guard = { path = "../zk-vk-guard-0.1.0" }
EOF
cp Cargo.lock "$others/downstream-1.0.0/Cargo.lock"
cargo build --offline --quiet --manifest-path "$others/downstream-1.0.0/Cargo.toml" --target-dir "$others/target"
built=$(find "$others/target/debug/build" -path '*downstream*/out/verifying_key.rs')
cmp "$built" "$others/downstream/zk/verifying_key.rs"
echo "packaged: ${packages[*]}; a library with a guarded key builds from its package"
