#!/usr/bin/env bash
# Fuzzing: every seed, then seeded mutations of them on the stable toolchain.
#
#   ci/fuzz.sh short   half a minute, with what the tests are built from
#   ci/fuzz.sh long    about an hour of one core in release profile: each parser has 10^6 executions and each verification
#                      of whole files 2 * 10^4; then half an hour of libFuzzer, where there is a nightly toolchain with
#                      cargo-fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-}
[ "$mode" = short ] || [ "$mode" = long ] || {
    echo "usage: ci/fuzz.sh short|long" >&2
    exit 2
}
parsers=(ptau r1cs zkey wtns challenge response verification_key envelope statement policy ceremony_toml bundle transcript snippet proof journal deployed ptau_plan ptau_part archive)
verifiers=(ptau_verify zkey_verify bundle_verify)

target=${CARGO_TARGET_DIR:-target}
# A run ends at its first finding, with the input in fuzz/artifacts/.
replay() { "$target/$profile/replay" "$@"; }
targets() { printf -- '--target %s ' "$@"; }

# Threads only slow down small inputs.
export RAYON_NUM_THREADS=1
(cd fuzz && cargo fmt --check)
if [ "$mode" = short ]; then
    profile=debug
    # The whole workspace is named so that nothing is built again with other features.
    cargo test --locked --quiet --workspace --test seeds
    # Other mutations every day.
    day=$(($(date +%s) / 86400))
    replay --first "$((day * 1000000))" --executions 1000000 --seconds 2
    exit
fi
profile=release
# As in the product, an overflow is a finding; here a failed debug assertion is one too.
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
cargo test --locked --quiet --release -p fuzz-targets --test seeds
(cd fuzz && cargo clippy --locked --all-targets -- -D warnings)
# shellcheck disable=SC2046 # several words
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
