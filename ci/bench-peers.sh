#!/usr/bin/env bash
# Measures whole steps of this project against snarkjs on the same files, and prints Markdown tables (those of BENCHMARKS.md).
#
#   ci/bench-peers.sh [POWERS...]          steps against snarkjs, default 14 16
#   ci/bench-peers.sh --scaling [POWERS]   contribute and verify alone, default 12 to 20
#   ci/bench-peers.sh --circuits [POWER]   zkey new alone, of real circuits and of made ones, default 16
#   ci/bench-peers.sh --kernels            the criterion benches of the arithmetic against arkworks, one thread
#   ci/bench-peers.sh --libraries          scalar multiplication against arkworks, mcl and halo2curves, one thread
#                                          (needs cmake and a C++ compiler, which build mcl)
#
# Needs what ci/test.sh installs (node, and snarkjs by `npm ci` in ci/) and python3. Options and limits: ci/bench-peers.py --help.
# Run it on a quiet machine: the load average at the start stands above each table.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --libraries ]; then
    target=${CARGO_TARGET_DIR:-target}
    exec cargo run --locked --release --quiet --manifest-path ci/peers/Cargo.toml --target-dir "$target/peers-of-arithmetic"
elif [ "${1:-}" = --kernels ]; then
    RAYON_NUM_THREADS=1 cargo bench --locked --quiet --package bn254-batch --bench arith >&2
else
    cargo build --locked --release --quiet --package zk-ceremony --bin zk-ceremony
    cargo build --locked --release --quiet --package ceremony-core --example circuits
fi
exec python3 ci/bench-peers.py "$@"
