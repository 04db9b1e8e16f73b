"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT"""

import argparse
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import ConfigDict
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.runner import Runner

from dacl_mm.config import (
    load_config,
    require,
    set_loader_defaults,
    set_options,
    set_tta,
    set_work_dir,
)
from dacl_mm.engine.adjustment import adjust_logits, check_adjustment
from dacl_mm.engine.attention import check_attention
from dacl_mm.engine.checkpoint.fit import check_weights, use_classes
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.training_only import unwrapped
from dacl_mm.engine.fast import set_fast
from dacl_mm.engine.launch import build_runner, memory_faults
from dacl_mm.engine.robustness import set_robustness
from dacl_mm.evaluation import CalibratedMetric, FERMetric
from dacl_mm.evaluation.robustness import CORRUPTIONS, STRENGTHS
from dacl_mm.files import make_folder
from dacl_mm.inference.info import ModelInfo

from .arguments import add_config_options, add_fast, parse_launched
from .diagnoses import attention, corrupted

#: Values of --out-item that are written as such.
JSON = ('metrics', 'card')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint on the test split')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder of logs and pictures (default: work_dirs/<config>)')
    parser.add_argument('--out', help='file of the results (.json for metrics, .pkl for predictions)')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'card', 'pred'],
        help='what --out holds (default: pred); card: metrics and confusion, for tools/model_card.py',
    )
    parser.add_argument('--dump', help='file of all predictions for offline evaluation (.pkl)')
    add_fast(parser)
    add_config_options(parser)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--show-dir', help='folder for pictures of the predictions')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='picture every n-th sample')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds a window stays')
    parser.add_argument('--no-pin-memory', action='store_true', help='no pinned memory in the loaders')
    parser.add_argument('--tta', action='store_true', help="the config's test-time augmentation, else flip")
    parser.add_argument(
        '--logit-adjustment',
        action='store_true',
        help='take the imbalance of the training classes out of the predictions; how far is chosen on '
        'the held-out part',
    )
    parser.add_argument(
        '--robustness',
        action='store_true',
        help='test on corrupted images as well, and write robustness.json (docs/robustness.md)',
    )
    parser.add_argument('--corruptions', nargs='+', choices=CORRUPTIONS, help='kinds (default: all)')
    parser.add_argument(
        '--strengths', nargs='+', type=int, choices=STRENGTHS, help='strengths of them (default: all)'
    )
    parser.add_argument(
        '--attention',
        action='store_true',
        help='describe what the attention of the head depends on, and write attention.json',
    )
    args = parse_launched(parser)
    if args.attention and (args.fast or args.tta):
        parser.error('--attention reads images through the pipelines as they are: leave out --fast and --tta')
    if not args.robustness and (args.corruptions or args.strengths):
        parser.error('--corruptions and --strengths need --robustness')
    if args.out_item and not args.out:
        parser.error('--out-item needs --out FILE')
    pickles = [args.dump, args.out if args.out_item not in JSON else None]
    for path in pickles:
        if path and not path.endswith(('.pkl', '.pickle')):
            parser.error(f'predictions are written as .pkl, got {path} (--out-item metrics writes .json)')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    set_options(cfg, args.cfg_options)
    cfg.logit_adjustment = args.logit_adjustment or cfg.get('logit_adjustment', False)
    require(cfg, 'model', 'test_dataloader', *(['train_dataloader'] if args.attention else []))
    if cfg.logit_adjustment:
        check_adjustment(cfg)
    for path in filter(None, (args.out, args.dump)):
        make_folder(Path(path).parent)  # now, and not after the test
    cfg.launcher = args.launcher
    set_work_dir(cfg, args.work_dir, args.config)
    cfg.load_from, cfg.resume = args.checkpoint, False
    # Weights come from the checkpoint: do not ask for the pretrained file.
    if 'backbone' in cfg.model:
        cfg.model.backbone.init_cfg = None
    if args.amp:
        cfg.test_cfg.fp16 = True
    if args.show or args.show_dir:
        hooks = cfg.setdefault('default_hooks', ConfigDict())
        hooks.setdefault('visualization', ConfigDict(type='VisualizationHook')).update(
            enable=True,
            show=args.show,
            wait_time=args.wait_time,
            out_dir=args.show_dir,
            interval=args.interval,
        )
    if args.tta:
        set_tta(cfg)
    if args.fast:
        set_fast(cfg)
    set_loader_defaults(cfg, not args.no_pin_memory, persistent_workers=False)
    if args.robustness:
        set_robustness(cfg)
    checkpoint = load_checkpoint(args.checkpoint, 'cpu', mmap=True)
    for part in ('test', 'train', 'val') if cfg.logit_adjustment else ('test',):
        if loader := cfg.get(f'{part}_dataloader'):
            use_classes(loader.dataset, checkpoint, args.checkpoint)
    runner = build_runner(cfg)
    check_weights(runner.model, checkpoint, args.checkpoint)
    if args.attention:
        check_attention(unwrapped(runner.model), checkpoint, args.checkpoint)
    if 'inference' in checkpoint.get('meta', {}) and not (args.tta or cfg.logit_adjustment):
        info = ModelInfo.from_dict(checkpoint['meta']['inference'], args.checkpoint)
        runner.test_loop.evaluator.metrics.append(CalibratedMetric(info.temperature, info.unsure))
    if cfg.logit_adjustment:
        adjust_logits(runner)
    dumps = {args.dump, args.out if args.out_item not in JSON else None} - {None}
    for path in dumps:
        runner.test_loop.evaluator.metrics.append(DumpResults(path, collect_device='gpu'))
    with memory_faults():
        metrics = corrupted(runner, args.corruptions, args.strengths) if args.robustness else runner.test()
    if args.attention and is_main_process():
        attention(runner)
    if args.out_item in JSON and is_main_process():
        more = _confusion(runner) if args.out_item == 'card' else {}
        mmengine.dump(metrics | more, args.out)


def _confusion(runner: Runner) -> dict[str, Any]:
    """Return what was named what, for the file of the metrics."""
    classes = list(runner.test_dataloader.dataset.metainfo['classes'])
    for metric in runner.test_loop.evaluator.metrics:
        if isinstance(metric, FERMetric) and metric.confusion is not None:
            return dict(confusion=dict(classes=classes, counts=metric.confusion.tolist()))
    return {}
