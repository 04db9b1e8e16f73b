"""What every compared config needs at run time, added where it is missing."""

from typing import Any

from mmengine.config import Config, ConfigDict

from dacl_mm.config import selection_metric
from dacl_mm.errors import UserError

HOOKS = (
    'AugmentationSeedHook',
    'ReportHook',
    'PlainCheckpointHook',
    'NonFiniteHook',
    'PairedInitHook',
    'ProgressHook',
    'AttentionRecordHook',
)


def add_runtime(cfg: Config) -> None:
    """Complete a config, of MMPretrain's own too, so that it can be compared.

    Adds hooks, metrics and safe checkpoints where they are missing, and gives each seed
    orders of its own (:class:`ShuffleSampler` for mmengine's sampler); leaves alone what
    else is there.

    Raises:
        UserError: If nothing would select the epoch.
    """
    if not cfg.get('val_dataloader') or cfg.get('val_cfg') is None:
        raise UserError(f'{cfg.filename}: no val_dataloader and val_cfg, so nothing selects the epoch')
    if (cfg.train_dataloader.get('sampler') or {}).get('type') == 'DefaultSampler':
        cfg.train_dataloader.sampler = dict(type='ShuffleSampler')
    given = [*(cfg.get('custom_hooks') or []), *(cfg.get('default_hooks') or {}).values()]
    present = {hook['type'] for hook in given if hook}
    missing = [dict(type=name) for name in HOOKS if name not in present]
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), *missing]
    hooks = cfg.setdefault('default_hooks', ConfigDict())
    hooks.setdefault('autosave', ConfigDict(type='AutosaveHook'))
    checkpoint = hooks.setdefault('checkpoint', ConfigDict())
    cfg.selection_metric = selection_metric(cfg)
    checkpoint.update(
        type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1, save_best=cfg.selection_metric
    )
    for field in ('val_evaluator', 'test_evaluator'):
        evaluator = cfg[field]
        metrics = evaluator if isinstance(evaluator, list) else [evaluator]
        types = {metric['type'] for metric in metrics}
        wanted: list[dict[str, Any]] = [dict(type='Accuracy', topk=(1,)), dict(type='FERMetric')]
        cfg[field] = [*metrics, *(metric for metric in wanted if metric['type'] not in types)]
