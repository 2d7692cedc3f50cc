#!/usr/bin/env bash
# Installs what the tests need, then runs everything: lints of the workflows, formatting, lints, documentation, tests (those against peer tools
# included, benches for compiling), and a minute of fuzzing. A missing peer tool is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# From the system's packages, where the machine lacks something.
install() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    $sudo apt-get install -qy "$@"
}

step() { printf '\n== %s\n' "$*"; }

step "peer tools (snarkjs and circom, versions pinned in ci/package-lock.json)"
command -v npm >/dev/null || install nodejs npm
(cd ci && npm ci --no-audit --no-fund --loglevel=error)

step "peer libraries and linters (securesystemslib, check-jsonschema, zizmor, versions pinned in ci/requirements.txt)"
python3 -c "import venv, ensurepip" 2>/dev/null || install python3 python3-venv
python3 -m venv ci/.venv
ci/.venv/bin/pip install --quiet --disable-pip-version-check -r ci/requirements.txt

step "peer signers (SoftHSM2, openssl and OpenSSH, from the system's packages)"
command -v softhsm2-util >/dev/null || install softhsm2
command -v openssl >/dev/null || install openssl
command -v ssh-agent >/dev/null || install openssh-client

step "a browser, which opens the report (chromium, from the system's packages)"
command -v chromium >/dev/null || install chromium

step "workflows (schema, then known weaknesses)"
ci/.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
ci/.venv/bin/zizmor --offline --persona=pedantic .github/workflows

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

step "tests"
cargo test --locked --workspace

step "fuzz targets: seeds and a minute of mutations"
./ci/fuzz.sh short

step "the steps again with the portable arithmetic (tests/arith.rs compares both by itself)"
CEREMONY_TEST_ARITHMETIC=portable cargo test --locked --package ceremony-core \
    --test phase1_verify --test phase1_steps --test phase2_setup --test phase2_chain --test phase2_proofs

step "the example with its committed key: snippet current, guard wired, real proofs verified"
(cd examples/attestation && cargo run --locked --quiet -p zk-embed -- --check --arkworks)
cargo test --locked -p attestation --features zk-vk-provisioned

step "the command line in release profile, as participants run it"
cargo xtask --version
cargo xtask guard-status

step "the rehearsal, from the first contribution to a guarded build"
cargo xtask ceremony
