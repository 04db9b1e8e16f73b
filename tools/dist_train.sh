#!/usr/bin/env bash
# Usage: dist_train.sh CONFIG PROCESSES [options of train.py]
# MAX_RESTARTS=3 dist_train.sh ...: start all processes anew when one dies, and go on from the last checkpoint
set -eu
CONFIG=$1
PROCESSES=$2
shift 2

DACL_LAUNCHED=$(date +%s)
export DACL_LAUNCHED
python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    --max_restarts="${MAX_RESTARTS:-0}" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
