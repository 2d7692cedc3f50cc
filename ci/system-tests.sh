#!/usr/bin/env bash
# Tests for a system that ci/test.sh does not know (macOS, Windows, another architecture):
#
#   ci/system-tests.sh libraries        unit tests, formats and arithmetic, with cargo
#   ci/system-tests.sh program [DIR]    a turn of a ceremony, a bundle and a snippet, with the programs in DIR as a participant
#                                       has them (without DIR they are built)
#
# DIR's programs may be for another architecture if RUNNER says how to run them.
set -euo pipefail
cd "$(dirname "$0")/.."

libraries() {
    cargo test --locked --workspace --lib --bins --quiet
    cargo test --locked --package bn254-batch --package ceremony-core --tests --quiet
}

program() {
    if [ $# = 0 ]; then
        cargo build --locked --package zk-ceremony --package zk-embed --bins
        set -- "${CARGO_TARGET_DIR:-target}/debug"
    fi
    programs=$(cd "$1" && pwd)
    checkout=$PWD
    read -ra runner <<<"${RUNNER:-}"
    ours() { ${runner[@]+"${runner[@]}"} "$programs/zk-ceremony" "$@"; }
    sum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp ceremony-core/tests/fixtures/bellman-h/circuit.r1cs "$work/circuit.r1cs"
    cd "$work"

    ours --version
    ours key new coordinator.pem >/dev/null
    ours key new alice.pem >/dev/null
    # The template's words, with keys and digests that exist.
    ours ceremony new --template |
        sed -e "s/^key = \"d75a.*/key = \"$(ours key show coordinator.pem | tr -d '\r')\"/" \
            -e "s/^key = \"3d40.*/key = \"$(ours key show alice.pem | tr -d '\r')\"/" \
            -e "s/^sha256 = \"0000.*/sha256 = \"$(sum <circuit.r1cs | cut -d' ' -f1)\"/" \
            -e 's/^power = .*/power = 8/' -e 's/^round = /round = 9/' >ceremony.toml
    ours ceremony new shared --config ceremony.toml --circuit attestation=circuit.r1cs --key coordinator.pem
    cp -R shared mine
    ours ceremony verify mine --read-only
    head -c 100 /dev/urandom >dice
    ours ceremony contribute mine --as Alice --key alice.pem --entropy-file dice
    if ours ceremony contribute mine --as Alice --key alice.pem --entropy-file dice 2>refused; then
        echo "Alice contributed twice" >&2
        exit 1
    fi
    grep -q Alice refused
    ours ceremony accept shared mine
    ours ceremony verify shared | tee verified
    grep -q 'good so far, 2 files verified' verified
    # What was changed on the way is refused.
    printf x | dd of=mine/phase1/0001.ptau bs=1 seek=2000 conv=notrunc 2>dd.log
    if ours ceremony verify mine --read-only 2>refused; then
        echo "a changed file was accepted" >&2
        exit 1
    fi
    grep -q 0001.ptau refused

    cd "$checkout/examples/attestation"
    ours bundle verify zk/bundle.json --policy zk/trust-policy.json
    ${runner[@]+"${runner[@]}"} "$programs/zk-embed" --check --arkworks
    echo "system-tests: the program works here"
}

case "${1:-}" in
libraries) libraries ;;
program) shift && program "$@" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
