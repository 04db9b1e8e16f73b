"""The verification of a data set, through the command line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO, SHARED, run_tool
from layouts import LAYOUTS, fer2013, rafdb
from PIL import Image


@pytest.fixture
def root(tmp_path):
    rafdb(tmp_path / 'rafdb')
    return tmp_path / 'rafdb'


def verify(root: Path, *more: object, kind: str = 'RAFDB') -> tuple[int, dict, str]:
    out = root.parent / 'found.json'
    done = run_tool('verify_dataset', '--type', kind, '--root', root, '--json', out,
                    '--out-dir', root.parent / 'pictures', *more, check=False)  # fmt: skip
    assert 'Traceback' not in done.stderr, done.stderr[-2000:]
    return done.returncode, json.loads(out.read_text()) if out.exists() else {}, done.stdout + done.stderr


def kinds(found: dict) -> list[str]:
    return sorted({p['kind'] for p in found['problems']})


def aligned(root: Path, name: str) -> Path:
    return root / 'basic' / 'Image' / 'aligned' / f'{name}_aligned.jpg'


def test_a_sound_set(root):
    status, found, text = verify(root)
    assert status == 0 and found['problems'] == [] and 'no problem found' in text
    assert found['layout'] == 'official'
    assert found['splits']['train']['images'] == 35 and found['splits']['test']['images'] == 14
    assert found['splits']['train']['classes'] == dict.fromkeys(found['splits']['train']['classes'], 5)
    pixels = np.stack(
        [np.asarray(Image.open(p)) for p in sorted((root / 'basic/Image/aligned').glob('train*'))]
    )
    np.testing.assert_allclose(found['statistics']['mean'], pixels.mean((0, 1, 2)) / 255, atol=1e-6)
    np.testing.assert_allclose(found['statistics']['std'], pixels.std((0, 1, 2)) / 255, atol=1e-6)
    pictures = {p.name for p in (root.parent / 'pictures').iterdir()}
    assert {'classes.png', 'class_fear.png', 'class_neutral.png'} <= pictures
    assert Image.open(root.parent / 'pictures' / 'class_fear.png').size[0] > 100
    # Published counts are notes, unless the copy is said to be complete.
    assert any('published are 281' in note for note in found['notes'])
    status, found, _ = verify(root, '--complete')
    assert status == 1 and kinds(found) == ['count']


def test_leaks_and_unreadable_images_are_found_and_can_be_excluded(root):
    shutil.copy(aligned(root, 'test_0002'), aligned(root, 'train_00009'))  # both happiness
    shutil.copy(aligned(root, 'train_00001'), aligned(root, 'train_00002'))  # neutral and happiness
    Image.open(aligned(root, 'test_0005')).save(aligned(root, 'train_00012'), quality=70)
    aligned(root, 'train_00020').write_bytes(b'')
    Image.open(aligned(root, 'train_00021')).convert('CMYK').save(aligned(root, 'train_00021'))
    exclude = root.parent / 'exclude.txt'
    status, found, text = verify(root, '--write-exclude', exclude)
    assert status == 1
    assert kinds(found) == ['duplicate-across', 'duplicate-within', 'near-duplicate-across', 'odd-mode',
                            'unreadable']  # fmt: skip
    by_kind = {p['kind']: p for p in found['problems']}
    across = by_kind['duplicate-across']
    assert Path(across['file']).name == 'train_00009_aligned.jpg' and across['row'] == 9
    assert Path(across['other']).name == 'test_0002_aligned.jpg' and not across['conflict']
    assert by_kind['duplicate-within']['conflict'] and 'neutral here and happiness there' in text
    assert by_kind['unreadable']['row'] == 20
    names = {Path(line).name for line in exclude.read_text().splitlines() if not line.startswith('#')}
    assert names == {f'train_{n:05d}_aligned.jpg' for n in (9, 12, 20)}
    assert (root.parent / 'pictures' / 'duplicates.png').exists()


def test_images_that_no_row_names_are_noted(root):
    shutil.copy(aligned(root, 'test_0002'), aligned(root, 'test_0999'))
    shutil.copy(aligned(root, 'train_00002'), aligned(root, 'train_09999'))
    _, found, text = verify(root)
    message = f'2 images in {root}/basic/Image/aligned belong to no part, as test_0999_aligned.jpg'
    assert message in found['notes'] and message in text


def test_files_of_other_kinds_and_empty_classes_are_problems(tmp_path):
    LAYOUTS['class folders'][1](tmp_path / 'data')
    fear = tmp_path / 'data' / 'valid' / '04'
    for path in fear.iterdir():
        path.rename(path.with_suffix('.HEIC'))
    (tmp_path / 'data' / 'train' / '00' / 'Thumbs.db').touch()
    status, found, text = verify(tmp_path / 'data', kind='FERFolder')
    assert status == 1 and kinds(found) == ['empty-class', 'not-read']
    by_kind = {p['kind']: p for p in found['problems']}
    assert by_kind['empty-class']['message'] == 'no image of fear'
    assert by_kind['empty-class']['split'] == 'test'
    assert by_kind['not-read']['file'] == str(fear)
    assert '2 files are not read, as ' in text and '(2 x .heic)' in text


def test_one_folder_without_a_test_part(tmp_path):
    LAYOUTS['class folders'][1](tmp_path / 'data')
    shutil.rmtree(tmp_path / 'data' / 'valid')
    shutil.copy(tmp_path / 'data' / 'train' / '02' / '2.jpg', tmp_path / 'data' / 'train' / '02' / 'copy.jpg')
    status, found, _ = verify(tmp_path / 'data', '--options', 'test_fraction=0.4', kind='FERFolder')
    assert status == 1 and kinds(found) == ['duplicate-within']  # never across
    assert found['layout'] == 'single'
    counts = {name: part['images'] for name, part in found['splits'].items()}
    assert sum(counts.values()) == 36 and counts['test'] == 14


def test_pictures_of_two_copies_lie_apart(tmp_path):
    for name in ('one', 'two'):
        rafdb(tmp_path / name / 'data')
        run_tool('verify_dataset', '--type', 'RAFDB', '--root', tmp_path / name / 'data', cwd=tmp_path)
    folders = list((tmp_path / 'work_dirs' / 'verify').iterdir())
    assert len(folders) == 2 and all((folder / 'classes.png').exists() for folder in folders)
    assert all(folder.name.startswith('RAFDB_data_') for folder in folders)


def test_labels_of_another_order_are_noticed(root):
    """Class shares as published, but written in alphabetical label order."""
    counts = {'1': 1290, '2': 281, '3': 717, '4': 4772, '5': 1982, '6': 705, '7': 2524}
    shuffled = {'1': '4', '2': '7', '3': '1', '4': '2', '5': '3', '6': '5', '7': '6'}
    table = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    lines = [line for line in table.read_text().splitlines() if line.startswith('test')]
    picture, n = aligned(root, 'train_00001').read_bytes(), 0
    for label, count in counts.items():
        for _ in range(count // 100):
            n += 1
            lines.append(f'train_{n:05d}.jpg {shuffled[label]}')
            aligned(root, f'train_{n:05d}').write_bytes(picture)
    table.write_text('\n'.join(lines))
    _, found, text = verify(root)
    assert 'label-order' in kinds(found) and 'only if labels are renamed' in text


def test_unusable_sets_end_with_status_2(root, tmp_path):
    table = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    table.write_text('train_00001.jpg 9\n' + table.read_text())
    status, found, text = verify(root)
    assert status == 2 and not found and f'{table}, row 1' in text
    status, _, text = verify(tmp_path / 'nowhere')
    assert status == 2 and 'there is no folder' in text
    assert run_tool('verify_dataset', check=False).returncode == 2


@pytest.mark.parametrize(
    'name', ['AffectNet classic', 'FER2013 icml', 'FER+ csv', 'FER+ png', 'class folders']
)
def test_every_reader_can_be_verified(name, tmp_path):
    reader, write, *_ = LAYOUTS[name]
    write(tmp_path / 'data')
    status, found, text = verify(tmp_path / 'data', kind=reader.__name__)
    assert status == 0, text
    assert [part['images'] for part in found['splits'].values()] == [35, 14]


@pytest.mark.parametrize('name', ['FER+ csv', 'FER+ png'])
def test_what_is_to_exclude_has_names_of_every_layout(name, tmp_path):
    reader, write, *_ = LAYOUTS[name]
    write(tmp_path / 'data')
    if name == 'FER+ png':
        data = tmp_path / 'data' / 'data'
        shutil.copy(data / 'FER2013Test' / 'fer0000002.png', data / 'FER2013Train' / 'fer0000002.png')
    else:
        path = tmp_path / 'data' / 'fer2013.csv'
        lines = path.read_text().splitlines()
        test = next(i for i, line in enumerate(lines) if line.endswith('PrivateTest'))
        lines[3] = lines[test + 2].replace('PrivateTest', 'Training')
        path.write_text('\n'.join(lines))
    status, _, text = verify(
        tmp_path / 'data', '--write-exclude', tmp_path / 'list.txt', kind=reader.__name__
    )
    assert status == 1, text
    assert (tmp_path / 'list.txt').read_text().splitlines()[1:] == ['data/FER2013Train/fer0000002.png']


def test_by_config_and_excluded_by_config(tmp_path, monkeypatch):
    fer2013(tmp_path / 'data')
    monkeypatch.setenv('FER2013_ROOT', str(tmp_path / 'data'))
    done = run_tool('verify_dataset', REPO / 'configs/softmax_r18_fer2013.py', '--out-dir', tmp_path / 'p')
    assert 'sound' in done.stdout
    picture = tmp_path / 'grid.png'
    done = run_tool('browse_dataset', REPO / 'configs/softmax_r18_fer2013.py', '--output', picture,
                    '--number', 12)  # fmt: skip
    assert '12 of 28 images of train' in done.stdout
    assert min(Image.open(picture).size) > 200


@pytest.mark.slow
def test_the_leaks_of_the_real_fer2013(tmp_path):
    if not SHARED.is_dir():
        pytest.skip(f'no real faces: {SHARED} does not exist')
    script = SHARED / 'tools' / 'fer_layouts.py'
    subprocess.run([sys.executable, script, 'ferplus', tmp_path / 'data'], check=True, capture_output=True)
    status, found, text = verify(tmp_path / 'data', kind='FERPlus')
    assert status == 1 and found['splits']['train']['images'] == 28561
    leaked = {p['other'] for p in found['problems'] if p['kind'] == 'duplicate-across'}
    assert len(leaked) == 279 and '279 images are pixel-identical' in text
