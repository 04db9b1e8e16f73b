"""Options of data sets, checked before anything is read."""

from collections.abc import Collection

from dacl_mm.errors import UserError

SPLITS = ('train', 'val', 'trainval', 'test')


def check_options(
    split: str, val_fraction: float, unreadable: str, layout: str | None, layouts: Collection[str]
) -> None:
    """Check the options that every reader has; see :class:`~dacl_mm.datasets.base.FERDataset`.

    Raises:
        UserError: If one is out of range.
    """
    if split not in SPLITS:
        raise UserError(f'split must be one of {", ".join(SPLITS)}, got {split!r}')
    if not 0 < val_fraction < 1:
        raise UserError(f'val_fraction must lie in (0, 1), got {val_fraction}')
    if unreadable not in ('error', 'replace'):
        raise UserError(f"unreadable must be 'error' or 'replace', got {unreadable!r}")
    if layout is not None and layout not in layouts:
        raise UserError(f'layout must be one of {", ".join(layouts)}, got {layout!r}')
