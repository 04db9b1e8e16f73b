"""How the processes of a run find each other."""

import os
import subprocess
from datetime import timedelta

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from dacl_mm.errors import UserError

#: What torch reads -> what Slurm sets.
SLURM = dict(RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID')
#: Ports of Slurm jobs, which may share a node: this and the next SPAN, by the job's number.
FIRST_PORT, SPAN = 20_000, 20_000


def set_processes(cfg: Config) -> None:
    """Let the processes of a launcher, if there is one, train as one.

    Raises:
        UserError: If the launcher did not start this process.
    """
    launcher = cfg.get('launcher') or 'none'
    if launcher == 'none':
        return
    if launcher == 'slurm':
        take_slurm_variables()
    elif launcher == 'pytorch' and 'RANK' not in os.environ:
        raise UserError(
            '--launcher pytorch is for processes that torchrun starts: use tools/dist_train.sh CONFIG '
            'PROCESSES, or leave the option out'
        )
    elif launcher == 'pytorch':
        require_new_store()
    hooks = cfg.get('custom_hooks') or []
    wrapper = cfg.get('model_wrapper_cfg') or ConfigDict(
        type='GlobalBatchDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
        channels_last=any(hook['type'] == 'ChannelsLastHook' for hook in hooks),
    )
    if not torch.cuda.is_available() and launcher != 'mpi':
        # mmengine's launchers call torch.cuda.set_device, and name the GPU to its DDP wrapper:
        # https://github.com/open-mmlab/mmengine/issues/1018
        wrapper.device_ids = None
        join_by_gloo(cfg)
        if cfg.get('sync_bn'):
            cfg.sync_bn = None
            if is_main_process():
                print_log(
                    'SyncBatchNorm needs GPUs: each process normalises by the statistics of its own images',
                    logger='current',
                    level=30,
                )
    cfg.model_wrapper_cfg = wrapper


def require_new_store() -> None:
    """Refuse to start anew on the store of processes that ended, whose addresses are still in it.

    torchrun keeps one store over its restarts; who reads the old addresses waits for the dead.

    Raises:
        UserError: If torchrun has restarted this process on its own store.
    """
    again = os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') != '0'
    if again and os.environ.get('TORCHELASTIC_USE_AGENT_STORE') == 'True':
        raise UserError(
            'torchrun has restarted the processes on the store of those before, where they could wait for '
            'ever: use tools/dist_train.sh, or give torchrun --rdzv_backend=c10d and export '
            'TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1'
        )


def join_by_gloo(cfg: Config) -> None:
    """Make the process group of processes without a GPU."""
    if not torch.distributed.is_initialized():
        seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout')
        timeout = None if seconds is None else timedelta(seconds=seconds)
        torch.distributed.init_process_group('gloo', timeout=timeout)


def take_slurm_variables() -> None:
    """Translate Slurm's variables for torch, as mmengine does where there is a GPU.

    ``MASTER_ADDR`` and ``MASTER_PORT`` of the environment count; else it is the first host of the
    job, and a port of the job's own.

    Raises:
        UserError: If srun did not start this process.
    """
    missing = [name for name in SLURM.values() if name not in os.environ]
    if missing:
        raise UserError(
            f'--launcher slurm is for processes that srun starts, and {", ".join(missing)} are not in the '
            'environment: use tools/slurm_train.sh, or leave the option out'
        )
    os.environ.update({name: os.environ[its] for name, its in SLURM.items()})
    job = int(os.environ.get('SLURM_JOB_ID', 0))
    os.environ.setdefault('MASTER_PORT', str(FIRST_PORT + job % SPAN))
    if 'MASTER_ADDR' not in os.environ:
        command = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
        hosts = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        os.environ['MASTER_ADDR'] = hosts.split()[0]
