"""Starting and ending the processes of a run."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch
import torch.distributed
from mmengine.config import Config, ConfigDict
from mmengine.dist import all_gather_object
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import EpochBasedTrainLoop, Runner

from dacl_mm.errors import UserError
from dacl_mm.files import make_folder
from dacl_mm.models.heads.feature_size import set_feature_size

from .distributed.start import set_processes
from .hooks.safe_checkpoint import AtomicCheckpointHook
from .memory import keep_freed_memory
from .runner import FERRunner


def build_runner(cfg: Config) -> Runner:
    """Build the runner, on processes without a GPU too.

    Raises:
        FileError: If the work dir cannot be written to.
        UserError: If an attention needs the size of the feature map, and it cannot be found.
    """
    make_folder(cfg.work_dir)
    if (cfg.get('randomness') or {}).get('deterministic'):
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # cuBLAS repeats itself with this alone
    drop_tensorboard(cfg)
    set_feature_size(cfg)
    set_processes(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else FERRunner.from_cfg(cfg)


def drop_tensorboard(cfg: Config) -> None:
    """Leave out TensorBoard where it is not installed, and say so."""
    visualizer = cfg.get('visualizer') or ConfigDict()
    backends = visualizer.get('vis_backends') or []
    kept = [backend for backend in backends if backend['type'] != 'TensorboardVisBackend']
    if len(kept) < len(backends) and find_spec('tensorboard') is None:
        visualizer.vis_backends = kept
        print_log(
            'TensorBoard is not installed: curves go to vis_data/scalars.json alone '
            '(pip install tensorboard)',
            logger='current',
            level=30,
        )


def train(cfg: Config) -> Runner:
    """Train as the config says.

    Raises:
        UserError: If no batch can be drawn, a loader process is killed, or the GPU's memory is full.
    """
    if not torch.cuda.is_available():
        keep_freed_memory()
    runner = build_runner(cfg)
    require_batches(runner)
    with memory_faults(), files_on_disk(runner):
        runner.train()
    return runner


def require_batches(runner: Runner) -> None:
    """Refuse a training whose epochs would have no iteration, or not as many on each process.

    Raises:
        UserError: If a batch is larger than what a process draws from in an epoch, or a process would
            wait for the batch of another that has none left.
    """
    loader = runner.train_dataloader  # builds it; training uses the same
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        return
    lengths = all_gather_object(len(loader))
    if min(lengths) < max(lengths):
        raise UserError(
            f'an epoch would have {", ".join(map(str, lengths))} batches on the {len(lengths)} processes, '
            "which train step by step together: set train_dataloader.sampler.rest='drop' of ShuffleSampler, "
            'or another train_dataloader.batch_size'
        )
    if len(loader) == 0:
        each = ' for each process' if runner.world_size > 1 else ''
        raise UserError(
            f'{len(loader.sampler)} training images{each} < batch {loader.batch_size}: they make no batch. '
            'Lower train_dataloader.batch_size'
        )


@contextmanager
def files_on_disk(runner: Runner) -> Iterator[None]:
    """Leave a training, by an exception too, when its checkpoints are written."""
    try:
        yield
    finally:
        for hook in runner.hooks:
            if isinstance(hook, AtomicCheckpointHook):
                hook.break_off()


@contextmanager
def memory_faults() -> Iterator[None]:
    """Explain a GPU without memory left, and a loader process that the system has killed.

    Raises:
        UserError: In place of torch's RuntimeError.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f'the GPU has no memory left ({str(error).splitlines()[0]}): lower batch_size of the data '
            'loaders, or compute in mixed precision (--amp)'
        ) from error
    except RuntimeError as error:
        text = str(error)
        if 'DataLoader worker' not in text or not ('killed by signal' in text or 'exited' in text):
            raise
        raise UserError(
            f'a loader process was ended from outside ({text.splitlines()[0].strip()}). Most often memory or '
            '/dev/shm ran out: lower num_workers or batch_size of the data loaders, or give the container '
            'more shared memory (--shm-size); --resume goes on from the last checkpoint'
        ) from error


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
