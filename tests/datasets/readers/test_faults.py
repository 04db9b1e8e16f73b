"""Bad input: every fault on every layout it applies to.

What happens is written to docs/bad_input.md; ``DACL_WRITE_DOCS=1`` in the
environment writes it anew, otherwise the test compares.
"""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO
from layouts import COUNTS, LAYOUTS
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from dacl_mm.errors import DatasetError, UnreadableImageError

PAGE = REPO / 'docs' / 'bad_input.md'
COUNT = 7 * COUNTS['train']
PIPELINE = [dict(type='LoadFace'), dict(type='PackInputs')]
LISTED = (
    'RAF-DB',
    'RAF-DB mirror',
    'AffectNet classic',
    'FER2013 csv',
    'FER2013 icml',
    'FER+ csv',
    'FER+ png',
)
HEADED = ('RAF-DB mirror', 'AffectNet classic', 'FER2013 csv', 'FER2013 icml', 'FER+ csv')
WITH_FILES = tuple(name for name, (*_, image) in LAYOUTS.items() if image)
IMAGE_OF_LIST = ('RAF-DB', 'RAF-DB mirror', 'AffectNet classic', 'FER+ png')
FOLDERS = ('FER2013 folders', 'class folders')
ANNOTATED = ('AffectNet npy', 'AffectNet+')


class Case:
    """One data set: where its training list and one training image are."""

    def __init__(self, name: str, root: Path):
        self.name, self.root = name, root
        self.reader, write, table, image = LAYOUTS[name]
        write(root)
        self.table = root / table if table else None
        self.image = root / image if image else None

    def edit(self, change) -> None:
        """Change the list's lines."""
        self.table.write_text('\n'.join(change(self.table.read_text().splitlines())))

    def row(self, i: int) -> int:
        """Line number of the list's i-th image, from 1."""
        return i + 1 + (self.name in HEADED)


def replace_field(lines: list[str], i: int, values: dict[str, str], name: str) -> list[str]:
    """Replace the label of the i-th image."""
    if name == 'RAF-DB':
        lines[i] = lines[i].split()[0] + ' ' + values['other']
        return lines
    rows = list(csv.reader(lines))
    head = [h.strip() for h in rows[0]]
    column = {'RAF-DB mirror': 'label', 'AffectNet classic': 'expression', 'FER2013 csv': 'emotion',
              'FER2013 icml': 'emotion', 'FER+ csv': 'neutral'}.get(name)  # fmt: skip
    place = head.index(column) if column else 3
    rows[i + (name in HEADED)][place] = values.get(column, values['other'])
    out = io.StringIO()
    csv.writer(out, lineterminator='\n').writerows(rows)
    return out.getvalue().splitlines()


def resave(case: Case, mode: str, **options) -> None:
    kind = 'JPEG' if mode == 'CMYK' or options else 'PNG'
    Image.open(case.image).convert(mode).save(case.image, kind, **options)


def rotate_by_exif(case: Case) -> None:
    wide = Image.open(case.image).convert('RGB').resize((48, 24))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to see it upright
    wide.save(case.image, 'JPEG', exif=exif)


def sixteen_bit(case: Case) -> None:
    grey = np.asarray(Image.open(case.image).convert('L')).astype(np.uint16) * 257
    Image.fromarray(grey).save(case.image, 'PNG')


def odd_suffix(case: Case) -> None:
    renamed = case.image.with_suffix(case.image.suffix.upper())
    case.image.rename(renamed)
    if case.name in IMAGE_OF_LIST:
        stem = case.image.stem.removesuffix('_aligned') if case.name == 'RAF-DB' else case.image.stem
        suffix = renamed.suffix if case.name != 'RAF-DB' else '.jpg'
        case.edit(
            lambda lines: [line.replace(f'{stem}{case.image.suffix}', f'{stem}{suffix}') for line in lines]
        )
        if case.name == 'RAF-DB':  # the list has no suffix of the aligned file
            renamed.rename(case.image)


def odd_path(case: Case) -> None:
    new = case.root.with_name('fotos für Übung é')
    case.root.rename(new)
    case.root = new


def extra_file(case: Case) -> None:
    folder = (case.image or case.table).parent
    (folder / 'Thumbs.db').write_bytes(b'x')
    if case.name not in FOLDERS and case.image:
        shutil.copy(case.image, folder / 'unlisted.jpg')


def truncate(case: Case) -> None:
    case.image.write_bytes(case.image.read_bytes()[:-200])


def header_missing(case: Case) -> None:
    case.edit(lambda lines: lines[1:])


def out_of_range(case: Case) -> None:
    if case.name == 'AffectNet npy':
        np.save(case.table, np.array('11'))
    elif case.name == 'AffectNet+':
        case.table.write_text(case.table.read_text().replace('"human-label": ', '"human-label": 1'))
        case.table.write_text(case.table.read_text().replace('"human-label": 10', '"human-label": 11'))
    else:
        values = {'other': '-1' if case.name.startswith('FER+') else '11'}
        case.edit(lambda lines: replace_field(lines, 2, {**values, 'neutral': '-1'}, case.name))


def malformed(case: Case) -> None:
    if case.name in ANNOTATED:
        case.table.write_bytes(case.table.read_bytes()[:-3])
    else:
        row = case.row(2) - 1
        cut = ' ' if case.name == 'RAF-DB' else ','
        case.edit(lambda lines: [*lines[:row], lines[row].split(cut)[0], *lines[row + 1 :]])


def doubled(case: Case) -> None:
    row = case.row(2) - 1
    case.edit(lambda lines: [*lines[: row + 1], lines[row], *lines[row + 1 :]])


def renamed(case: Case, name: str) -> None:
    """Give the third image of the list another name."""
    Image.new('RGB', (48, 48)).save(case.root.parent / 'secret.jpg')
    row, cut = case.row(2) - 1, ' ' if case.name == 'RAF-DB' else ','
    prefix = 'train_/' if case.name.startswith('RAF-DB') else ''

    def change(lines: list[str]) -> list[str]:
        lines[row] = cut.join([prefix + name, *lines[row].split(cut)[1:]])
        return lines

    case.edit(change)


def huge(case: Case) -> None:
    """A small file that takes gigabytes to look at."""
    Image.new('1', (8200, 8200)).save(case.image, 'PNG')
    assert case.image.stat().st_size < 200_000


def other_kind(case: Case) -> None:
    shutil.copy(case.image, case.image.with_name('photo.HEIC'))


def no_images(case: Case) -> None:
    for path in case.image.parent.iterdir():
        path.unlink()


READS, FILE, ROW = 'reads', 'stops, names the file', 'stops, names the row'
SKIPS = 'leaves the one row out, names it'
COUNTS_THEM = 'reads the others, counts and names them'
WARNS = 'reads the others, names the class'


def everywhere(layouts, outcome: str, **others: str) -> dict[str, str]:
    return {name: others.get(name.replace(' ', '_').replace('+', 'P'), outcome) for name in layouts}


# Fault -> what causes it, and layout -> what happens.
FAULTS = {
    'truncated image': (truncate, everywhere(WITH_FILES, FILE)),
    'empty image': (lambda case: case.image.write_bytes(b''), everywhere(WITH_FILES, FILE)),
    'file that is no image': (lambda case: case.image.write_text('<html>'), everywhere(WITH_FILES, FILE)),
    'more than 67 megapixels': (huge, everywhere(WITH_FILES, FILE)),
    'CMYK image': (lambda case: resave(case, 'CMYK'), everywhere(WITH_FILES, READS)),
    'RGBA image': (lambda case: resave(case, 'RGBA'), everywhere(WITH_FILES, READS)),
    'grey image': (lambda case: resave(case, 'L'), everywhere(WITH_FILES, READS)),
    '16-bit image': (sixteen_bit, everywhere(WITH_FILES, READS)),
    'EXIF-rotated image': (rotate_by_exif, everywhere(WITH_FILES, READS)),
    'odd suffix case': (odd_suffix, everywhere(WITH_FILES, READS, AffectNet_npy=FILE, AffectNetP=FILE)),
    'spaces and non-ASCII in the path': (odd_path, everywhere(LAYOUTS, READS)),
    'CRLF in the list': (
        lambda case: case.table.write_bytes(case.table.read_bytes().replace(b'\n', b'\r\n')),
        everywhere(LISTED, READS),
    ),
    'byte-order mark in the list': (
        lambda case: case.table.write_bytes(b'\xef\xbb\xbf' + case.table.read_bytes()),
        everywhere(LISTED, READS),
    ),
    'no newline at the end': (lambda case: case.edit(lambda lines: lines), everywhere(LISTED, READS)),
    'missing file': (
        lambda case: case.image.unlink(),
        everywhere(IMAGE_OF_LIST, ROW) | everywhere(ANNOTATED, FILE),
    ),
    'extra file': (extra_file, everywhere(LAYOUTS, READS)),
    'doubled row': (
        doubled,
        everywhere(LISTED, READS, AffectNet_classic=ROW, FERP_csv=FILE)
        | {'RAF-DB': ROW, 'RAF-DB mirror': ROW},
    ),
    'malformed row': (
        malformed,
        everywhere(LISTED, ROW) | {'AffectNet classic': SKIPS} | everywhere(ANNOTATED, FILE),
    ),
    'label out of range': (out_of_range, everywhere(LISTED, ROW) | everywhere(ANNOTATED, FILE)),
    'name above the root': (
        lambda case: renamed(case, '../../secret.jpg'),
        everywhere(IMAGE_OF_LIST, ROW),
    ),
    'absolute name': (
        lambda case: renamed(case, f'{case.root.parent}/secret.jpg'),
        everywhere(IMAGE_OF_LIST, ROW),
    ),
    'file of another kind, as HEIC': (other_kind, everywhere(FOLDERS, COUNTS_THEM)),
    'class folder without an image': (no_images, everywhere(FOLDERS, WARNS)),
    'header missing': (header_missing, everywhere(HEADED, ROW, AffectNet_classic=READS)),
}
CASES = [(fault, name) for fault, (_, outcomes) in FAULTS.items() for name in outcomes]


@pytest.mark.promise(
    'Security', 'a list names an image above its folder or absolutely', 'refused, names the row'
)
@pytest.mark.parametrize(('fault', 'name'), CASES)
def test_fault(fault, name, tmp_path, monkeypatch):
    init_default_scope('mmpretrain')
    case = Case(name, tmp_path / 'data')
    image, table = case.image, case.table
    cause, outcomes = FAULTS[fault]
    cause(case)
    outcome = outcomes[name]
    options = dict(data_root=str(case.root), split='trainval', pipeline=PIPELINE)
    if outcome in (READS, SKIPS, COUNTS_THEM, WARNS):
        said = []
        monkeypatch.setattr('dacl_mm.datasets.base.print_log', lambda text, **options: said.append(text))
        data = case.reader(**options)
        if outcome == COUNTS_THEM:
            (message,) = said
            assert f'{image.parent}: 1 files are not read, as photo.HEIC (1 x .heic)' in message
        elif outcome == WARNS:
            assert len(said) == 1 and "no image of sadness in split 'trainval'" in said[0]
        else:
            assert said == []
        fewer = {SKIPS: 1, WARNS: COUNTS['train']}.get(outcome, 0)
        assert len(data) == COUNT + (fault == 'doubled row') - fewer
        shapes = {tuple(item['inputs'].shape) for item in data}
        assert shapes == {(3, 48, 48)} | ({(3, 48, 24)} if fault.startswith('EXIF') else set())
        if image and outcome == READS and fault.endswith(' image'):  # it is still the face that was drawn
            index = [Path(data.get_data_info(i)['img_path']).stem for i in range(len(data))].index(image.stem)
            assert 20 < data[index]['inputs'].float().mean() < 235
        return
    with pytest.raises((DatasetError, UnreadableImageError)) as error:
        data = case.reader(**options)
        for i in range(len(data)):
            data[i]
    message = str(error.value)
    if outcome == ROW:
        row = {'header missing': 1, 'doubled row': case.row(3)}.get(fault, case.row(2))
        assert f'{table}, row {row}' in message
    else:
        of_image = ('missing file', 'odd suffix case', 'more than 67 megapixels')
        named = image if 'image' in fault or fault in of_image else table
        assert named.name in message


@pytest.mark.parametrize('name', WITH_FILES)
def test_training_may_replace_unreadable_images_and_evaluation_never(name, tmp_path):
    init_default_scope('mmpretrain')
    case = Case(name, tmp_path / 'data')
    truncate(case)
    options = dict(data_root=str(case.root), split='trainval', pipeline=PIPELINE, unreadable='replace')
    data = case.reader(**options)
    paths = [data.get_data_info(i)['img_path'] for i in range(len(data))]
    bad = paths.index(str(case.image))
    item = data[bad]
    assert int(item['data_samples'].gt_label) == data.get_data_info(bad)['gt_label']
    assert data.replaced_images() == [str(case.image)] and data.replaced_images() == []
    with pytest.raises(UnreadableImageError, match=case.image.name):
        case.reader(**options, test_mode=True)[bad]


@pytest.mark.parametrize('name', WITH_FILES)
def test_a_bad_image_stops_the_start_of_its_own_split_alone(name, tmp_path):
    case = Case(name, tmp_path / 'data')
    truncate(case)
    options = dict(data_root=str(case.root), val_fraction=0.2)
    stopped = []
    for split in ('train', 'val', 'trainval', 'test'):
        try:
            case.reader(**options, split=split)
        except UnreadableImageError as error:
            assert str(case.image) in str(error)
            stopped.append(split)
    assert stopped in (['train', 'trainval'], ['val', 'trainval'])
    table = case.reader(**options, lazy_init=True).read('train')
    index = [table.path(i) for i in range(len(table))].index(str(case.image))
    (tmp_path / 'list.txt').write_text(table.lasting_name(index))
    data = case.reader(**options, split='trainval', exclude_file=str(tmp_path / 'list.txt'))
    assert len(data) == COUNT - 1


def test_replaced_images_of_a_fold_are_reported_from_its_loader_processes(tmp_path):
    init_default_scope('mmpretrain')
    case = Case('class folders', tmp_path / 'data')
    truncate(case)
    options = dict(data_root=str(case.root), split='trainval', pipeline=PIPELINE, unreadable='replace')
    config = dict(type='FERFolder', **options)
    data = DATASETS.build(dict(type='KFoldDataset', dataset=config, fold=4, num_splits=5))
    list(DataLoader(data, 7, num_workers=2, collate_fn=len))
    assert data.dataset.replaced_images() == [str(case.image)]


def test_the_table_in_the_docs_is_what_happens():
    lines = ['| fault | ' + ' | '.join(LAYOUTS) + ' |', '|---' * (1 + len(LAYOUTS)) + '|']
    for fault, (_, outcomes) in FAULTS.items():
        lines.append(f'| {fault} | ' + ' | '.join(outcomes.get(name, '-') for name in LAYOUTS) + ' |')
    page = f"""# Bad input

What each reader does with each fault. `tests/datasets/readers/test_faults.py` causes every one of them, and
writes this page: `DACL_WRITE_DOCS=1 pytest tests/datasets/readers/test_faults.py`. "-": cannot occur there.

{chr(10).join(lines)}

The first start looks at every image of its split; those that cannot be read stop training and evaluation
before they begin. With `unreadable='replace'` in the training data set another image of the class takes their
place, and the end of each epoch says how many and which. Evaluation always stops: it never drops an image.
FER+ lists four names twice and FER2013 repeats photographs, so a doubled row there is another image;
`tools/verify_dataset.py` lists the duplicates.
"""
    if os.environ.get('DACL_WRITE_DOCS') == '1':
        PAGE.write_text(page)
    assert PAGE.read_text() == page
