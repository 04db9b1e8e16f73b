"""Which of a data set's distributions lies under a root."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dacl_mm.errors import DatasetError


def find_layout(
    root: Path, layouts: Mapping[str, Sequence[str]], wanted: str | None, owner: str
) -> tuple[str, list[Path]]:
    """Return the layout and the paths of what marks it.

    Args:
        root: Folder of the data set.
        layouts: Layout -> what must exist under the root, alternatives divided by '|'.
        wanted: The one to look for; None looks for all.
        owner: Reader and root, for messages.

    Raises:
        DatasetError: If none or several of them lie there.
    """
    found = {}
    layouts = {name: marks for name, marks in layouts.items() if wanted in (None, name)}
    for name, marks in layouts.items():
        paths = [next((p for m in mark.split('|') if (p := root / m).exists()), None) for mark in marks]
        if all(paths):
            found[name] = [p for p in paths if p is not None]
    if len(found) == 1:
        return next(iter(found.items()))
    looked = '; '.join(
        f'{name}: {" and ".join(mark.replace("|", " or ") for mark in marks)}'
        for name, marks in layouts.items()
    )
    if found:
        raise DatasetError(
            f'several layouts in {owner}: {", ".join(found)}. Say which by the option layout '
            f'(looked for {looked})'
        )
    raise DatasetError(f'unknown layout in {owner}. Looked for {looked}')
