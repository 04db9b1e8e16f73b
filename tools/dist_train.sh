#!/usr/bin/env bash
# Usage: dist_train.sh CONFIG PROCESSES [options of train.py]
# MAX_RESTARTS=3 dist_train.sh ...: start all processes anew when one dies, and go on from the last checkpoint
# Several machines: NNODES=2 NODE_RANK=0|1 MASTER_ADDR=(host of the first) PORT=29500 on each
set -eu
CONFIG=$1
PROCESSES=$2
shift 2

NNODES=${NNODES:-1}
LOCAL=()
[ "$NNODES" != 1 ] || LOCAL=(--local_addr=127.0.0.1)
IS_HOST=0
[ "${NODE_RANK:-0}" != 0 ] || IS_HOST=1
DACL_LAUNCHED=$(date +%s)
export DACL_LAUNCHED
# A store of its own for each start: restarted processes could read the addresses of those before, and wait for them.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
python -m torch.distributed.run \
    --nnodes="$NNODES" \
    --rdzv_backend=c10d \
    --rdzv_endpoint="${MASTER_ADDR:-127.0.0.1}:${PORT:-29500}" \
    --rdzv_id="${RUN_ID:-dacl_mm}" \
    --rdzv_conf="is_host=$IS_HOST" \
    "${LOCAL[@]}" \
    --nproc_per_node="$PROCESSES" \
    --max_restarts="${MAX_RESTARTS:-0}" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
