"""What is compared: names, wrapped data sets, protocols."""

from pathlib import Path

import pytest

from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.comparison.plan.runs import plan_runs
from dacl_mm.config import check_protocol
from dacl_mm.errors import UserError

FACES = "dict(type='SyntheticFaces', num_images=14, split={!r})"
WRAPPERS = dict(
    concat="dict(type='ConcatDataset', datasets=[dict(type='SyntheticFaces', split='own'), {}])",
    repeat="dict(type='RepeatDataset', times=2, dataset={})",
    balanced="dict(type='FERClassBalanced', oversample_thr=0.1, dataset={})",
    nested="dict(type='RepeatDataset', times=2, dataset=dict(type='ConcatDataset', datasets=[{}]))",
)


def write(path: Path, train: str, val: str, test: str = FACES.format('test')) -> Path:
    path.write_text(
        "model = dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=7))\n"
        f'train_dataloader = dict(dataset={train})\n'
        f'val_dataloader = dict(dataset={val})\n'
        f'test_dataloader = dict(dataset={test})\n'
        "val_cfg = test_cfg = dict()\nval_evaluator = test_evaluator = dict(type='Accuracy')\n"
    )
    return path


@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_the_test_split_inside_a_wrapper_selects_nothing(tmp_path, wrapper):
    path = write(tmp_path / 'c.py', FACES.format('train'), WRAPPERS[wrapper].format(FACES.format('test')))
    (method,) = read_methods([str(path)])
    with pytest.raises(UserError, match='best epoch would be picked on the test images'):
        plan_runs([method], 1, 'held-out', tmp_path)
    method.cfg.protocol = 'paper protocol'
    check_protocol(method.cfg)


@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_the_paper_protocol_trains_on_all_training_images_inside_a_wrapper(tmp_path, wrapper):
    train = WRAPPERS[wrapper].format(FACES.format('train'))
    path = write(tmp_path / 'c.py', train, FACES.format('val'))
    ((_, cfg),) = plan_runs(read_methods([str(path)]), 1, 'paper', tmp_path)
    text = str(cfg.train_dataloader.dataset)
    assert "'split': 'trainval'" in text and "'split': 'train'" not in text
    assert cfg.val_dataloader.dataset.split == 'test'


def test_other_test_images_inside_a_wrapper_are_refused(tmp_path):
    paths = [
        write(tmp_path / f'{name}.py', FACES.format('train'), FACES.format('val'), test)
        for name, test in (
            ('a', WRAPPERS['repeat'].format(FACES.format('test'))),
            ('b', WRAPPERS['repeat'].format(FACES.format('test').replace('14', '21'))),
        )
    ]
    with pytest.raises(UserError, match=r'tested on different images.*num_images is \[21\] and \[14\]'):
        read_methods(list(map(str, paths)))


@pytest.mark.parametrize('name', ['..', '.hidden', 'a/b', '../up', 'cost $x$', ''])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    path = write(tmp_path / 'set.py', FACES.format('train'), FACES.format('val'))
    (tmp_path / 'm.py').write_text(
        "model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18))"
    )
    path.write_text(path.read_text() + f'methods = {{{name!r}: dict(model="m.py")}}\n')
    with pytest.raises(UserError, match='rename it'):
        read_methods([str(path)])


def test_options_go_to_the_chosen_methods_alone():
    """A key that another method of the set lacks is no mistake."""
    chosen = ['ratio', 'ratio_fixed']
    options = {'model.head.predict_by': 'centers'}
    methods = read_methods(['compare/synthetic_field.py'], options, chosen)
    assert [(m.name, m.cfg.model.head.predict_by) for m in methods] == [(name, 'centers') for name in chosen]
    with pytest.raises(UserError, match='predict_by'):
        read_methods(['compare/synthetic_field.py'], options)
