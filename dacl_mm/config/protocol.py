"""Which images and which metric select the epoch."""

from collections.abc import Iterator

from mmengine.config import Config, ConfigDict

from dacl_mm.errors import UserError

PAPER_PROTOCOL = 'paper protocol'


def data_sets(dataset: ConfigDict) -> Iterator[ConfigDict]:
    """Yield the data sets that a config of one reads: itself, or those inside its wrappers."""
    inner = [*dataset.get('datasets', ()), *filter(None, [dataset.get('dataset')])]
    if not inner:
        yield dataset
    for wrapped in inner:
        yield from data_sets(wrapped)


def check_protocol(cfg: Config) -> None:
    """Refuse to select on the test split unless the config says paper protocol.

    Raises:
        UserError: If the validation loader reads the test split without it, inside
            wrappers (``ConcatDataset``, ``RepeatDataset`` ...) too; or if nothing validates
            averaged weights (:func:`check_average`).
    """
    check_average(cfg)
    loader = cfg.get('val_dataloader')
    if not loader or cfg.get('protocol') == PAPER_PROTOCOL:
        return
    if any(dataset.get('split') == 'test' for dataset in data_sets(loader.dataset)):
        raise UserError(
            'val_dataloader.dataset reads split "test": the best epoch would be picked on the test '
            f"images. Use split='val', or say protocol = '{PAPER_PROTOCOL}' in the config"
        )


def check_average(cfg: Config) -> None:
    """Refuse an average of the weights that is kept as the best without having been validated.

    Checkpoints hold the averaged weights in the place of the trained ones (mmengine's ``EMAHook``).

    Raises:
        UserError: If the hook has ``evaluate_on_ema=False``.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    for hook in hooks:
        if hook and hook['type'] == 'EMAHook' and not hook.get('evaluate_on_ema', True):
            raise UserError(
                'EMAHook has evaluate_on_ema=False, but the best checkpoint would hold the averaged weights, '
                'which nothing has validated: leave evaluate_on_ema out, or the hook'
            )


def selection_metric(cfg: Config) -> str:
    """Return the metric whose greatest value on the validation part selects the epoch.

    The config's ``selection_metric``, else the checkpoint hook's ``save_best``, else top-1 accuracy.

    Raises:
        UserError: If the two differ, or ``save_best`` is a list.
    """
    chosen = cfg.get('selection_metric')
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    explicit = hook.get('save_best')
    if explicit in (None, 'auto'):
        return chosen or 'accuracy/top1'
    if not isinstance(explicit, str):
        raise UserError(f'default_hooks.checkpoint.save_best is {explicit}: one metric selects the epoch')
    if chosen not in (None, explicit):
        raise UserError(
            f'selection_metric is {chosen!r}, but default_hooks.checkpoint.save_best is {explicit!r}: '
            'leave save_best out'
        )
    return explicit
