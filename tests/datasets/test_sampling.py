"""Class imbalance by config."""

from itertools import zip_longest
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import REPO
from layouts import fer2013
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATA_SAMPLERS, DATASETS, MODELS
from torch.utils.data import DataLoader

from dacl_mm.datasets.readers.fer2013 import FER2013
from dacl_mm.datasets.sampling import BalancedSampler, ShuffleSampler
from dacl_mm.engine.hooks.class_weight import ClassWeightHook
from dacl_mm.errors import UserError

PIPELINE = [dict(type='LoadFace'), dict(type='RandomFiveCrop', crop_size=24), dict(type='PackInputs')]


@pytest.fixture
def imbalanced(tmp_path):
    """Five images of every class but disgust, which has one."""
    init_default_scope('mmpretrain')
    fer2013(tmp_path)
    rows = (tmp_path / 'fer2013.csv').read_text().splitlines()
    disgust = [row for row in rows if row.startswith('1,') and row.endswith('Training')]
    kept = [row for row in rows if row not in disgust[1:]]
    (tmp_path / 'fer2013.csv').write_text('\n'.join(kept))
    return FER2013(data_root=str(tmp_path), split='trainval', pipeline=PIPELINE)


def images(sampler) -> tuple[int, ...]:
    return tuple(visit if isinstance(visit, int) else visit.sample for visit in sampler)


@pytest.mark.parametrize('kind', [ShuffleSampler, BalancedSampler])
def test_no_two_seeds_share_an_order(imbalanced, kind):
    orders = {}
    for seed in range(10):
        sampler = kind(imbalanced, seed=seed)
        for epoch in range(60):
            sampler.set_epoch(epoch)
            orders[seed, epoch] = images(sampler)
    assert len(set(orders.values())) == 600
    sampler = kind(imbalanced, seed=7)  # and another process draws the same
    sampler.set_epoch(5)
    assert images(sampler) == orders[7, 5]


@pytest.mark.parametrize('name', ['dacl_r18_rafdb', 'dacl_r18_affectnet7', 'dacl_r18_synthetic'])
def test_plain_training_has_these_orders_too(name):
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(REPO / f'configs/{name}.py')
    assert issubclass(DATA_SAMPLERS.get(cfg.train_dataloader.sampler.type), ShuffleSampler)


def test_balanced_sampler_evens_classes_out(imbalanced):
    labels = imbalanced.get_gt_labels()
    sampler = BalancedSampler(imbalanced, seed=0)
    counts = np.zeros(7)
    for epoch in range(60):
        sampler.set_epoch(epoch)
        counts += np.bincount(labels[[draw.sample for draw in sampler]], minlength=7)
    np.testing.assert_allclose(counts / counts.sum(), 1 / 7, atol=0.02)
    assert counts.sum() == 60 * len(imbalanced)


def order(kind, dataset, seed: int, epoch: int, **options) -> list:
    sampler = kind(dataset, seed=seed, **options)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_that_nobody_sets_follows_the_last(imbalanced):
    sampler = ShuffleSampler(imbalanced, seed=2)
    sampler.set_epoch(3)
    assert list(sampler) == order(ShuffleSampler, imbalanced, 2, 3)
    assert list(sampler) == order(ShuffleSampler, imbalanced, 2, 4)


def test_shuffling_takes_every_image_once(imbalanced):
    draws = order(ShuffleSampler, imbalanced, 1, 0)
    samples = [draw.sample for draw in draws]
    assert sorted(samples) == list(range(len(imbalanced))) != samples
    plain = order(ShuffleSampler, [None] * len(imbalanced), 1, 0)  # takes no draws
    assert plain == samples


@pytest.mark.parametrize(
    ('rest', 'lengths'), [('drop', [7] * 4), ('share', [8, 8, 8, 7]), ('repeat', [8] * 4)]
)
@pytest.mark.parametrize('kind', [ShuffleSampler, BalancedSampler])
def test_ranks_share_one_draw(imbalanced, kind, rest, lengths, monkeypatch):
    parts = []
    for rank in range(4):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 4))
        parts.append(order(kind, imbalanced, 3, 1, rest=rest))
        assert len(kind(imbalanced, seed=3, rest=rest)) == len(parts[-1])
    assert [len(part) for part in parts] == lengths and len(imbalanced) == 31
    visits = [draw for part in parts for draw in part]
    assert len(set(visits)) == len(visits)  # an image that fills the last batch up is augmented anew
    monkeypatch.undo()
    whole = order(kind, imbalanced, 3, 1)
    merged = [draw for row in zip_longest(*parts) for draw in row if draw is not None]
    assert merged[: len(whole)] == whole[: len(merged)]


def test_another_rest_is_refused(imbalanced):
    with pytest.raises(UserError, match="'drop', 'share' or 'repeat', got 'round'"):
        ShuffleSampler(imbalanced, seed=0, rest='round')


def test_repetitions_are_augmented_anew_in_every_worker(imbalanced):
    rare = int(np.flatnonzero(imbalanced.get_gt_labels() == imbalanced.CLASSES.index('disgust'))[0])
    draws = [draw for draw in BalancedSampler(imbalanced, seed=0) if draw.sample == rare]
    assert [draw.repeat for draw in draws] == list(range(len(draws))) and len(draws) > 2
    for workers in (0, 2):
        loader = DataLoader(imbalanced, 1, sampler=draws, num_workers=workers, collate_fn=lambda x: x)
        crops = {item['inputs'].numpy().tobytes() for (item,) in loader}
        assert len(crops) > 1
    first = [imbalanced[draw]['inputs'] for draw in draws]
    assert all(torch.equal(a, imbalanced[draw]['inputs']) for a, draw in zip(first, draws))


def test_class_balanced_wrapper_has_names_and_labels(imbalanced):
    config = dict(type='FER2013', data_root=imbalanced.data_root, split='trainval')
    data = DATASETS.build(dict(type='FERClassBalanced', dataset=config, oversample_thr=1 / 7))
    assert data.CLASSES == imbalanced.CLASSES and len(data.get_gt_labels()) == len(data)
    counts = np.bincount(data.get_gt_labels())
    assert counts[data.CLASSES.index('disgust')] > 1


def test_repeating_wrapper_has_names_and_labels(imbalanced):
    config = dict(type='FER2013', data_root=imbalanced.data_root, split='trainval')
    data = DATASETS.build(dict(type='FERRepeat', dataset=config, times=3))
    assert data.CLASSES == imbalanced.CLASSES and len(data) == 3 * len(imbalanced)
    labels = [data.get_data_info(i)['gt_label'] for i in range(len(data))]
    assert data.get_gt_labels().tolist() == labels


def test_class_weights_reach_the_loss(imbalanced):
    model = torch.nn.ModuleList([MODELS.build(dict(type='CrossEntropyLoss'))])
    log = []
    runner = SimpleNamespace(
        model=model,
        train_dataloader=SimpleNamespace(dataset=imbalanced),
        logger=SimpleNamespace(info=log.append),
    )
    ClassWeightHook().before_train(runner)
    labels = imbalanced.get_gt_labels()
    weight = np.array(model[0].class_weight)
    disgust = imbalanced.CLASSES.index('disgust')
    assert weight[disgust] == pytest.approx(5 * weight[0]) and weight[labels].mean() == pytest.approx(1)
    score = torch.zeros(1, 7)
    assert model[0](score, torch.tensor([disgust])) == pytest.approx(weight[disgust] * np.log(7))
    runner.model = torch.nn.Linear(1, 1)
    with pytest.raises(ValueError, match='no loss of the model takes class_weight'):
        ClassWeightHook().before_train(runner)
