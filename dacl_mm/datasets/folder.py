"""One folder per class."""

from collections.abc import Mapping

from mmpretrain.registry import DATASETS

from .base import DatasetError, FERDataset, Sample
from .labels import PAPER_CLASSES

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


@DATASETS.register_module()
class FERFolder(FERDataset):
    """Class folders as the DACL authors' repository reads them.

    ::

        data_root
        |-- train
        |   |-- 00        neutral
        |   |-- 01        happiness
        |   |-- 02        sadness
        |   |-- 03        surprise
        |   |-- 04        fear
        |   |-- 05        anger
        |   `-- 06        disgust
        `-- valid         (or test) likewise: the test part

    Args:
        folders: Folder name -> expression. Defaults to the layout above.
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If a part or a class folder is missing, a folder is not
            in ``folders``, or both ``valid`` and ``test`` exist.
    """

    ROOT_VARIABLE = 'FER_FOLDER_ROOT'

    def __init__(self, folders: Mapping[str, str] | None = None, **kwargs):
        self.folders = dict(folders or {f'{i:02d}': name for i, name in enumerate(PAPER_CLASSES)})
        super().__init__(**kwargs)

    def read(self, part: str) -> list[Sample]:
        root = self.require_root()
        names = ('train',) if part == 'train' else ('valid', 'test')
        found = [root / name for name in names if (root / name).is_dir()]
        if len(found) != 1:
            state = 'no folder' if not found else 'both folders'
            raise DatasetError(f'{state} {" and ".join(names)} in {self.where}: exactly one is needed')
        unknown = sorted(p.name for p in found[0].iterdir() if p.is_dir() and p.name not in self.folders)
        missing = sorted(name for name in self.folders if not (found[0] / name).is_dir())
        if unknown or missing:
            raise DatasetError(
                f'{found[0]} holds other class folders than expected: unknown {unknown}, missing '
                f'{missing}. Expected {sorted(self.folders)}; the option `folders` maps other names'
            )
        return [
            Sample(path, self.folders[folder])
            for folder in sorted(self.folders)
            for path in sorted((found[0] / folder).iterdir())
            if path.suffix.lower() in SUFFIXES
        ]
