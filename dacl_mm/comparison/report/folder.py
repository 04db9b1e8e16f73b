"""The folder of a report's pictures."""

from pathlib import Path

from matplotlib.figure import Figure

from dacl_mm.files import write_atomic
from dacl_mm.visualization import style

WRITTEN = '.written'  # lists what the last report wrote


class PictureFolder:
    """Holds the pictures of the last report; files of others in it are left alone.

    Args:
        path: Made where it is missing.
    """

    def __init__(self, path: Path):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._names: list[str] = []

    def save_figure(self, figure: Figure, name: str) -> str:
        """Save ``name.svg`` and ``name.png`` and return the SVG."""
        svg = style.to_svg(figure, name)
        self.save(f'{name}.svg', svg.encode())
        self.save(f'{name}.png', style.to_png(figure))
        return svg

    def save(self, name: str, data: bytes) -> None:
        """Write a file."""
        write_atomic(data, self.path / name)
        self._names.append(name)

    def remove_old(self) -> None:
        """Remove what an earlier report wrote and this one did not."""
        note = self.path / WRITTEN
        before = note.read_text().splitlines() if note.is_file() else []
        for name in set(before) - set(self._names):
            old = self.path / name
            if old.parent == self.path and old.is_file():
                old.unlink()
        write_atomic('\n'.join(self._names).encode(), note)
