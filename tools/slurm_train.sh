#!/usr/bin/env bash
# Usage: slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of train.py]
#
# Submits a batch job, which is requeued when it runs out of time or is preempted, and goes on from where it
# was. Inside of a batch job it trains in that one. SBATCH_ARGS and SRUN_ARGS add options.
set -eu
SCRIPT=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
GPUS=${GPUS:-1}
# Statuses of a training that --resume goes on with: it has saved; SIGTERM came before it could listen.
STOPPED=75
TERMINATED=143

if [ -z "${SLURM_JOB_ID:-}" ]; then
    # The script, not the tasks, hears of the end two minutes before.
    # shellcheck disable=SC2086
    exec sbatch --partition="$PARTITION" \
        --job-name="$JOB_NAME" \
        --gres=gpu:"${GPUS_PER_NODE:-$GPUS}" \
        --ntasks="$GPUS" \
        --ntasks-per-node="${GPUS_PER_NODE:-$GPUS}" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" \
        --requeue --open-mode=append --signal=B:TERM@120 ${SBATCH_ARGS:-} \
        --wrap="exec bash $(printf '%q ' "$SCRIPT" "$@")"
fi

shift 4
[ "${SLURM_RESTART_COUNT:-0}" -eq 0 ] || set -- --resume "$@"
# shellcheck disable=SC2086
srun --ntasks="$GPUS" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u "$(dirname "$SCRIPT")/train.py" "$CONFIG" --work-dir "$WORK_DIR" --launcher slurm "$@" &
STEP=$!
trap 'kill -TERM "$STEP" || true' TERM # srun hands it on to every task
while true; do
    STATUS=0
    wait "$STEP" || STATUS=$? # a trapped signal ends a wait as well
    kill -0 "$STEP" 2>/dev/null || break
done
if [ "$STATUS" -eq "$STOPPED" ] || [ "$STATUS" -eq "$TERMINATED" ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$STATUS"
