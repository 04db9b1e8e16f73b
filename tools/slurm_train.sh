#!/usr/bin/env bash
# Usage: slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of train.py]
set -eu
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
shift 4
GPUS=${GPUS:-1}

# shellcheck disable=SC2086
srun --partition="$PARTITION" \
    --job-name="$JOB_NAME" \
    --gres=gpu:"${GPUS_PER_NODE:-$GPUS}" \
    --ntasks="$GPUS" \
    --ntasks-per-node="${GPUS_PER_NODE:-$GPUS}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/train.py" "$CONFIG" --work-dir "$WORK_DIR" --launcher slurm "$@"
