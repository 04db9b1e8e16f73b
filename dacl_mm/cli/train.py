"""Train a model: python tools/train.py configs/dacl_r18_rafdb.py"""

import argparse
import shlex
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from dacl_mm.config import (
    check_protocol,
    load_config,
    require,
    set_amp,
    set_backbone_weights,
    set_loader_defaults,
    set_options,
    set_work_dir,
)
from dacl_mm.engine.checkpoint.resume import set_resume
from dacl_mm.engine.checkpoint.run import step_checkpoints
from dacl_mm.engine.distributed.restart import resume_after_restart
from dacl_mm.engine.fast import set_fast
from dacl_mm.engine.launch import train
from dacl_mm.engine.stop import STOP, Interrupted

from .arguments import add_config_options, add_fast, parse_launched
from .run import program


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints (default: work_dirs/<config>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from a checkpoint; without a value, from the latest one in the work dir',
    )
    parser.add_argument(
        '--accept-changes',
        action='store_true',
        help='resume although config values changed that the result depends on',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (bfloat16 on a CPU)')
    parser.add_argument('--no-validate', action='store_true', help='do not validate during training')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate with the total batch size'
    )
    parser.add_argument('--no-pin-memory', action='store_true', help='no pinned memory in the loaders')
    parser.add_argument(
        '--no-persistent-workers', action='store_true', help='start the loader processes anew each epoch'
    )
    add_fast(parser)
    add_config_options(parser)
    return parse_launched(parser)


def resume_command(args: list[str]) -> str:
    """Return the command line that goes on from where this one stops.

    Args:
        args: The arguments of this one.
    """
    kept, rest = [], iter(args)
    for word in rest:
        if word == '--resume':
            following = next(rest, '--')
            kept += [following] if following.startswith('--') and following != '--' else []
        elif not word.startswith('--resume='):
            kept.append(word)
    return shlex.join([*program(), *kept, '--resume'])


def configure(args: argparse.Namespace) -> Config:
    cfg = load_config(args.config)
    cfg.launcher = args.launcher
    set_options(cfg, args.cfg_options)
    require(cfg, 'model', 'train_dataloader', *(['auto_scale_lr'] if args.auto_scale_lr else []))
    set_work_dir(cfg, args.work_dir, args.config)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    set_backbone_weights(cfg)
    if args.amp:
        set_amp(cfg)
    if args.fast:
        set_fast(cfg)
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    set_loader_defaults(cfg, not args.no_pin_memory, not args.no_persistent_workers)
    set_resume(cfg, resume_after_restart(cfg.work_dir, args.resume))
    cfg.accept_changes = args.accept_changes
    check_protocol(cfg)
    return cfg


def what_follows(stop: KeyboardInterrupt, cfg: Config | None) -> str:
    """Say where a training has stopped, and how to go on."""
    where = str(stop) if isinstance(stop, Interrupted) else 'interrupted'
    if cfg is None or not step_checkpoints(Path(cfg.work_dir)):
        return f'{where}, before the first checkpoint: the same command starts it again'
    if cfg.launcher == 'none':
        return f'{where}; go on with: {resume_command(sys.argv[1:])}'
    return f'{where}; go on with the same command and --resume'


def main() -> None:
    args, cfg = parse_args(), None
    try:
        with STOP.listening():
            cfg = configure(args)
            train(cfg)
    except KeyboardInterrupt as stop:
        if is_main_process():
            print(what_follows(stop, cfg), file=sys.stderr)
        raise
