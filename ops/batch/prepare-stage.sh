#!/bin/bash
# One stage of a preparation in parts: part or combine. A scheduler runs the parts side by side, and then the
# combination.
#
#   FILE      the .ptau to prepare
#   WORK      a folder that all machines can write to, with room for all parts and the prepared file
#   PARTS     how many parts: a power of two, at most 64
#   LEVELS    which levels, if not all: N or N..M
#   PROGRAM   the program, if not zk-ceremony
#
# The number of a part is that of Slurm's array task (1 to PARTS) or of the index of a Kubernetes job (0 to PARTS - 1).
set -euo pipefail

PROGRAM=${PROGRAM:-zk-ceremony}

case ${1:-} in
part)
    part=${SLURM_ARRAY_TASK_ID:-$((JOB_COMPLETION_INDEX + 1))}
    out=$WORK/part-$part.ptpart
    # A file appears under its name only when it is complete. One that a machine lost is gone on with.
    if [ -e "$out" ]; then
        echo "$out is there"
        exit 0
    fi
    levels=()
    if [ -n "${LEVELS:-}" ]; then
        levels=(--levels "$LEVELS")
    fi
    exec "$PROGRAM" ptau prepare "$FILE" "$out" --part "$part/$PARTS" ${levels[@]+"${levels[@]}"}
    ;;
combine)
    if [ -e "$WORK/prepared.ptau" ]; then
        echo "$WORK/prepared.ptau is there"
        exit 0
    fi
    exec "$PROGRAM" ptau prepare "$FILE" "$WORK/prepared.ptau" --combine "$WORK"/part-*.ptpart
    ;;
*)
    echo "usage: $0 part|combine" >&2
    exit 2
    ;;
esac
