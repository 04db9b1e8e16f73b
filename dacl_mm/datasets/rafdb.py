"""RAF-DB, basic expressions, as distributed."""

from mmpretrain.registry import DATASETS

from .base import DatasetError, FERDataset, Sample

LABELS = {
    '1': 'surprise',
    '2': 'fear',
    '3': 'disgust',
    '4': 'happiness',
    '5': 'sadness',
    '6': 'anger',
    '7': 'neutral',
}


@DATASETS.register_module()
class RAFDB(FERDataset):
    """RAF-DB (Li et al., CVPR 2017), seven basic expressions.

    ::

        data_root
        `-- basic
            |-- EmoLabel/list_patition_label.txt    lines 'train_00001.jpg 5'
            `-- Image
                |-- aligned/train_00001_aligned.jpg  100 x 100
                `-- original/train_00001.jpg

    ``data_root`` may also be the folder ``basic`` itself. Official parts: 12,271
    training and 3,068 test images.

    Args:
        images: 'aligned' or 'original'.
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If the list or an image it names is missing, or a row is
            malformed; names the row.
    """

    ROOT_VARIABLE = 'RAFDB_ROOT'

    def __init__(self, images: str = 'aligned', **kwargs):
        if images not in ('aligned', 'original'):
            raise ValueError(f"images must be 'aligned' or 'original', got {images!r}")
        self.images = images
        super().__init__(**kwargs)

    def read(self, part: str) -> list[Sample]:
        root = self.require_root()
        base = root / 'basic' if (root / 'basic').is_dir() else root
        table = base / 'EmoLabel' / 'list_patition_label.txt'
        folder = base / 'Image' / self.images
        for path in (table, folder):
            if not path.exists():
                raise DatasetError(f'RAFDB: {path} is missing in {self.where}')
        present = {p.name for p in folder.iterdir()}
        samples = []
        for row, line in enumerate(table.read_text(encoding='utf-8-sig').splitlines(), 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 2 or fields[1] not in LABELS or not fields[0].startswith(('train_', 'test_')):
                raise DatasetError(
                    f'{table}, row {row}: expected "train_NNNNN.jpg L" or "test_NNNN.jpg L" with L in 1..7, '
                    f'got {line!r}'
                )
            name, label = fields
            if not name.startswith(part):
                continue
            file = name if self.images == 'original' else name.replace('.jpg', '_aligned.jpg')
            if file not in present:
                raise DatasetError(f'{table}, row {row}: {folder / file} is missing')
            samples.append(Sample(folder / file, LABELS[label]))
        return samples
