#!/usr/bin/env bash
# Installs what the tests need, then runs everything: formatting, lints, documentation, tests (those against peer tools included), benches for
# compiling. A missing peer tool is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "peer tools (snarkjs and circom, versions pinned in ci/package-lock.json)"
if ! command -v npm >/dev/null; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -q
    $sudo apt-get install -qy nodejs npm
fi
(cd ci && npm ci --no-audit --no-fund --loglevel=error)

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

step "tests"
cargo test --locked --workspace

step "the command line in release profile, as participants run it"
cargo xtask --version
