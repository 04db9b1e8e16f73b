"""Starting and ending the processes of a run."""

import gc

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner


def build_runner(cfg: Config) -> Runner:
    """Build the runner, on processes without a GPU too."""
    if cfg.get('launcher') == 'pytorch' and not torch.cuda.is_available():
        # mmengine's launcher calls torch.cuda.set_device, and its default DDP
        # wrapper passes device_ids: https://github.com/open-mmlab/mmengine/issues/1018
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
        )
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def shut_down() -> None:
    """Leave the process group together.

    A process that exits while its peer still communicates aborts it, and one that exits while
    Gloo's threads live aborts itself (pytorch/pytorch#179291): they end with the last reference to
    the group, which the model's reference cycles hold.
    """
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
        gc.collect()
