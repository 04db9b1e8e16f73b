"""Lists of images to leave out, in every layout of a set."""

import pytest
from conftest import REPO
from layouts import LAYOUTS, ferplus, ferplus_png, rafdb

from dacl_mm.datasets import exclude
from dacl_mm.datasets.readers.ferplus import FERPlus
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.errors import DatasetError


@pytest.fixture
def said(monkeypatch):
    messages = []
    monkeypatch.setattr(exclude, 'print_log', lambda message, **options: messages.append(message))
    return messages


def write(path, *names: str) -> str:
    path.write_text('# a comment\n' + ''.join(f'{name}\n' for name in names))
    return str(path)


@pytest.mark.parametrize('name', LAYOUTS)
def test_a_list_that_names_nothing_of_the_set_is_an_error(name, tmp_path):
    reader, make, *_ = LAYOUTS[name]
    make(tmp_path / 'data')
    options = dict(data_root=str(tmp_path / 'data'), split='test')
    example = reader(**options).data_list.table.lasting_name(0)
    path = write(tmp_path / 'list.txt', 'elsewhere/1.jpg', 'elsewhere/2.jpg')
    with pytest.raises(DatasetError) as error:
        reader(**options, exclude_file=path)
    for part in (path, '2 of 2 names are not in', "'elsewhere/1.jpg'", repr(example)):
        assert part in str(error.value)


def test_names_of_other_parts_are_fine_and_unknown_ones_are_said(tmp_path, said):
    rafdb(tmp_path / 'data')
    folder = 'basic/Image/aligned'
    names = [f'{folder}/train_00001_aligned.jpg', f'{folder}/train_00002_aligned.jpg']
    for split, expected in (('trainval', 33), ('test', 14)):
        options = dict(data_root=str(tmp_path / 'data'), split=split)
        data = RAFDB(**options, exclude_file=write(tmp_path / 'list.txt', *names))
        assert len(data) == expected and len(said) == 1 and 'leaves' in said.pop()
        data = RAFDB(**options, exclude_file=write(tmp_path / 'list.txt', *names, 'typo.jpg'))
        assert len(data) == expected
        assert '1 of 3 names are not in' in said[0] and "as 'typo.jpg'" in said[0] and folder in said[0]
        said.clear()


def test_an_empty_list_leaves_nothing_out(tmp_path):
    rafdb(tmp_path / 'data')
    assert (
        len(RAFDB(data_root=str(tmp_path / 'data'), split='test', exclude_file=write(tmp_path / 'e'))) == 14
    )


@pytest.mark.parametrize('make', [ferplus, ferplus_png])
def test_one_list_serves_both_layouts_of_ferplus(tmp_path, make):
    make(tmp_path / 'data')
    names = ['data/FER2013Train/fer0000003.png', 'data/FER2013Train/fer0000010.png']
    options = dict(data_root=str(tmp_path / 'data'), split='trainval')
    whole = FERPlus(**options).data_list.table
    assert [whole.lasting_name(i) for i in (3, 10)] == names
    kept = FERPlus(**options, exclude_file=write(tmp_path / 'list.txt', *names)).data_list.table
    gone = [whole.name(3), whole.name(10)]
    assert len(kept) == 33 and not set(gone) & {kept.name(i) for i in range(33)}
    if make is ferplus:  # by the csv file's own rows as well
        kept = FERPlus(**options, exclude_file=write(tmp_path / 'list.txt', *gone)).data_list.table
        assert len(kept) == 33


@pytest.mark.slow
def test_the_shipped_leaks_leave_training_in_both_layouts(faces, tmp_path):
    """On real faces: what the csv layout keeps is, image by image, what the png layout keeps."""
    path = REPO / 'configs' / '_base_' / 'datasets' / 'ferplus_publictest_leaks.txt'
    png, csv = faces('ferplus'), faces('fer2013')
    (csv / 'fer2013new.csv').write_bytes((png / 'fer2013new.csv').read_bytes())
    kept = {}
    for layout, root in (('png', png), ('csv', csv)):
        options = dict(data_root=str(root), layout=layout, split='trainval', test_part='PublicTest')
        whole = FERPlus(**options).data_list.table
        table = FERPlus(**options, exclude_file=str(path)).data_list.table
        kept[layout] = {table.lasting_name(i) for i in range(len(table))}
        assert len(whole) - len(table) > 250  # of 379, those that have a majority label
    assert kept['png'] == kept['csv']
