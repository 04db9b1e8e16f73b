"""What the command-line tools share."""

import gc
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
import torch.distributed
from mmengine.config import Config, ConfigDict
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from dacl_mm.checkpoint import CorruptCheckpointError, UnsafeCheckpointError, latest_checkpoint
from dacl_mm.hub import config_dir

PAPER_PROTOCOL = 'paper protocol'
USER_ERRORS = (ValueError, KeyError, OSError, CorruptCheckpointError, UnsafeCheckpointError)


def run(main: Callable[[], None]) -> None:
    """Run a tool; a user's mistake ends it with one message and status 2.

    ``DACL_TRACEBACK=1`` in the environment shows the traceback instead.
    """
    if os.environ.get('DACL_TRACEBACK') == '1':
        return main()
    try:
        main()
        if torch.distributed.is_initialized():
            # A process that exits while its peer still communicates aborts it, and one that exits
            # while Gloo's threads live aborts itself (pytorch/pytorch#179291): they end with the
            # last reference to the group, which the model's reference cycles hold.
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()
            gc.collect()
    except USER_ERRORS as error:
        print(f'error: {_message(error)}\n(DACL_TRACEBACK=1 shows where)', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _message(error: BaseException) -> str:
    """Return an error's own words, without the traceback that a loader process puts before them."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if text.startswith('Caught ') and ' in DataLoader worker' in text:
        text = text.rsplit(f'{type(error).__name__}: ', 1)[-1].strip()
    return text


def load_config(path: str) -> Config:
    """Read a config file; a name without a folder is also looked up among the packaged configs.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be parsed.
    """
    file = Path(path)
    if not file.is_file() and file.parent == Path('.'):
        file = config_dir() / file.with_suffix('.py')
    if not file.is_file():
        raise FileNotFoundError(f'config {path} does not exist')
    try:
        return Config.fromfile(file)
    except SyntaxError as error:
        raise ValueError(f'config {path}, line {error.lineno}: {error.msg}') from error


def set_options(cfg: Config, options: dict | None) -> None:
    """Override config keys by ``--cfg-options``.

    Raises:
        ValueError: If an option does not fit the config.
    """
    try:
        cfg.merge_from_dict(options or {})
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f'--cfg-options {" ".join(options or {})}: {error}') from error


def set_work_dir(cfg: Config, work_dir: str | None, config: str) -> None:
    """Choose the work dir: the option, else the config's, else one named after the config."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)


def set_loader_defaults(cfg: Config, pin_memory: bool, persistent_workers: bool) -> None:
    """Fill in loader options that the config leaves open."""
    for field in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(field)
        if loader is None:
            continue
        defaults = ConfigDict(pin_memory=torch.cuda.is_available(), persistent_workers=True)
        defaults.update(loader)
        if not pin_memory:
            defaults.pin_memory = False
        if not persistent_workers or defaults.get('num_workers', 0) == 0:
            defaults.persistent_workers = False
        cfg[field] = defaults


def set_amp(cfg: Config) -> None:
    """Train in mixed precision: float16 with loss scaling on a GPU, bfloat16 on a CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'BFloat16OptimWrapper'


def set_resume(cfg: Config, resume: str | None) -> None:
    """Resume from a file, or from the latest checkpoint in the work dir ('auto')."""
    if resume is None:
        return
    source = latest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
    if source is None:
        print(f'nothing to resume in {cfg.work_dir}: training starts anew')
        return
    if not source.is_file():
        raise FileNotFoundError(f'checkpoint {source} does not exist')
    cfg.resume, cfg.load_from = True, str(source)


def set_tta(cfg: Config) -> None:
    """Average the scores of each test image and its mirror image, unless the config says otherwise."""
    cfg.setdefault('tta_model', dict(type='AverageClsScoreTTA'))
    if 'tta_pipeline' not in cfg:
        pipeline = cfg.test_dataloader.dataset.pipeline
        cfg.tta_pipeline = deepcopy(pipeline)
        flips = [dict(type='RandomFlip', prob=1.0), dict(type='RandomFlip', prob=0.0)]
        cfg.tta_pipeline[-1] = dict(type='TestTimeAug', transforms=[flips, [pipeline[-1]]])
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline


def check_protocol(cfg: Config) -> None:
    """Refuse to select on the test split unless the config says paper protocol.

    Raises:
        ValueError: If the validation loader reads the test split without it.
    """
    loader = cfg.get('val_dataloader')
    if loader and loader.dataset.get('split') == 'test' and cfg.get('protocol') != PAPER_PROTOCOL:
        raise ValueError(
            'val_dataloader.dataset.split is "test": the best epoch would be picked on the test '
            f"images. Use split='val', or say protocol = '{PAPER_PROTOCOL}' in the config"
        )


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
