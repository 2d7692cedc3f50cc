#!/usr/bin/env bash
# Fuzzing: every seed, then seeded mutations of them on the stable toolchain (short: about a minute once it is built;
# long: about an hour of one core, in which each parser has 10^6 executions and each verification of whole files 2 * 10^4), and in long mode half an hour of
# libFuzzer too, where there is a nightly toolchain with cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-}
[ "$mode" = short ] || [ "$mode" = long ] || {
    echo "usage: ci/fuzz.sh short|long" >&2
    exit 2
}
parsers=(ptau r1cs zkey wtns challenge response verification_key envelope statement policy ceremony_toml bundle transcript snippet)
verifiers=(ptau_verify zkey_verify bundle_verify)

# A run ends at its first finding, with the input in fuzz/artifacts/.
replay() { (cd fuzz && cargo run --locked --quiet --release --bin replay -- "$@"); }
targets() { printf -- '--target %s ' "$@"; }

# Small inputs: threads only cost.
export RAYON_NUM_THREADS=1
(cd fuzz && cargo fmt --check && cargo test --locked --quiet --release --test seeds)
if [ "$mode" = short ]; then
    # Another part of the mutations on every day.
    replay --first "$(($(date +%s) / 86400 * 1000000))" --executions 1000000 --seconds 2
    exit
fi
(cd fuzz && cargo clippy --locked --all-targets -- -D warnings)
# shellcheck disable=SC2046 # words are wanted
replay $(targets "${parsers[@]}") --executions 1000000
# shellcheck disable=SC2046
replay $(targets "${verifiers[@]}") --executions 20000
if cargo +nightly fuzz --version >/dev/null 2>&1; then
    for target in "${parsers[@]}" "${verifiers[@]}"; do
        mkdir -p "fuzz/corpus/$target"
        cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time=120 -max_len=65536 -timeout=20
    done
else
    echo "no cargo-fuzz on a nightly toolchain: libFuzzer was not run"
fi
