#!/bin/bash
# One stage of a verification in parts: plan, part or combine. A scheduler runs the stages in this order, and the parts
# side by side.
#
#   FILE      the .ptau; a part reads its share of it alone
#   WORK      a folder that all machines can write to
#   PARTS     how many parts
#   KEY       key file that plan and parts are signed with
#   TRUSTED   key that is believed when parts are combined: 64 hex digits, or a file with a public key
#   PROGRAM   the program, if not zk-ceremony
#   DIGEST    BLAKE2b-512 of FILE, if it is known from elsewhere
#
# The number of a part is that of Slurm's array task (1 to PARTS) or of the index of a Kubernetes job (0 to PARTS - 1).
set -euo pipefail

PROGRAM=${PROGRAM:-zk-ceremony}
plan=$WORK/plan.json
digest=()
if [ -n "${DIGEST:-}" ]; then
    digest=(--digest "$DIGEST")
fi

case ${1:-} in
plan)
    exec "$PROGRAM" ptau verify "$FILE" --plan "$PARTS" --out "$plan" --key "$KEY" "${digest[@]}"
    ;;
part)
    part=${SLURM_ARRAY_TASK_ID:-$((JOB_COMPLETION_INDEX + 1))}
    # A part that a machine lost is made again.
    exec "$PROGRAM" ptau verify "$FILE" --plan-file "$plan" --part "$part/$PARTS" \
        --out "$WORK/part-$part.json" --force --key "$KEY"
    ;;
combine)
    exec "$PROGRAM" ptau verify --combine "$plan" "$WORK"/part-*.json --trusted "$TRUSTED" "${digest[@]}"
    ;;
*)
    echo "usage: $0 plan|part|combine" >&2
    exit 2
    ;;
esac
