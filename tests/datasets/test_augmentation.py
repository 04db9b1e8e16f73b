"""No two visits of an image are augmented alike; pinned, all can be repeated."""

import random

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import InfiniteSampler, pseudo_collate
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, HOOKS, TRANSFORMS
from torch.utils.data import DataLoader, Subset

from dacl_mm.datasets.draws import Draw
from dacl_mm.datasets.synthetic.synthetic_faces import SyntheticFaces
from dacl_mm.datasets.transforms import RandomFiveCrop


@TRANSFORMS.register_module()
class NoiseForTests(BaseTransform):
    """An image of what all three global generators give."""

    def transform(self, results: dict) -> dict:
        numbers = np.random.randint(256), random.randrange(256), int(torch.randint(256, ()))
        noise = np.random.default_rng(numbers).integers(0, 256, (2, 2, 3), np.uint8)
        noise[0, 0] = numbers
        return {**results, 'img': noise, 'img_shape': (2, 2)}


COUNT = 12
PIPELINE = [
    dict(type='NoiseForTests'),
    dict(type='PackInputs', meta_keys=('sample_idx', 'img_path')),
]
FACES = dict(type='SyntheticFaces', num_images=COUNT, pipeline=PIPELINE)
REPEATED = {
    'RepeatDataset': dict(type='RepeatDataset', dataset=FACES, times=2),
    'FERRepeat': dict(type='FERRepeat', dataset=FACES, times=2),
    'ClassBalancedDataset': dict(type='ClassBalancedDataset', dataset=FACES, oversample_thr=0.5),
    'FERClassBalanced': dict(type='FERClassBalanced', dataset=FACES, oversample_thr=0.5),
}
ONCE = {
    'plain': FACES,
    'ConcatDataset': dict(type='ConcatDataset', datasets=[FACES, {**FACES, 'split': 'val'}]),
    'KFoldDataset': dict(type='KFoldDataset', dataset=FACES),
}
EPOCHS = dict(by_epoch=True, max_epochs=2)
ITERATIONS = dict(by_epoch=False, max_iters=7)


@HOOKS.register_module()
class ViewsHook(Hook):
    """Keeps the name and the pixels of each training image in the order they come."""

    views: list = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        for img, sample in zip(data_batch['inputs'], data_batch['data_samples']):
            self.views.append((sample.img_path, img.numpy().tobytes()))


class Toy(torch.nn.Linear):
    """A model that learns nothing of the images."""

    def __init__(self):
        super().__init__(1, 1)

    def train_step(self, data, optim_wrapper):
        return {}


def train(dataset, hook: bool, loop=EPOCHS, workers=0, sampler='DefaultSampler', seed=0, **options) -> list:
    """Return the views of a training run."""
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    loader = dict(
        batch_size=4,
        num_workers=workers,
        dataset=dataset,
        sampler=dict(type=sampler),
        collate_fn=dict(type='pseudo_collate'),
        persistent_workers=options.pop('persistent', False),
    )
    ViewsHook.views = []
    runner = Runner(
        model=Toy(),
        work_dir=options.pop('work_dir'),
        train_dataloader=loader,
        train_cfg=loop,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(
            logger=None, checkpoint=dict(type='AtomicCheckpointHook', by_epoch=loop['by_epoch'], interval=1)
        ),
        custom_hooks=[
            dict(type='ViewsHook'),
            dict(type='PlainCheckpointHook'),
            *([dict(type='AugmentationSeedHook')] if hook else []),
        ],
        randomness=dict(seed=seed),
        default_scope='mmpretrain',
        experiment_name=f'views_{random.SystemRandom().random()}',
        log_level='ERROR',
        **options,
    )
    runner.train()
    # Ends the loader processes now; the garbage collector would wait for them.
    runner.train_loop.dataloader = runner.train_loop.dataloader_iterator = None
    return ViewsHook.views


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """A loop by iterations sleeps when the loader is restarted."""
    monkeypatch.setattr('mmengine.runner.loops.time.sleep', lambda seconds: None)


@pytest.mark.parametrize(('hook', 'workers'), [(False, 2), (True, 0), (True, 2)])
@pytest.mark.parametrize('name', [*ONCE, *REPEATED, 'Subset'])
def test_each_visit_differs(name, hook, workers, tmp_path):
    config = {**ONCE, **REPEATED}.get(name)
    if name == 'Subset':  # drawn with replacement
        init_default_scope('mmpretrain')
        config = Subset(DATASETS.build(FACES), [0, 0, 1, 2, 2, 2, 3, 4])
    views = train(config, hook, workers=workers, work_dir=str(tmp_path))
    assert len(set(views)) == len(views) > COUNT


@pytest.mark.parametrize(('hook', 'workers'), [(False, 0), (False, 2), (True, 2)])
@pytest.mark.parametrize(
    'sampler', ['InfiniteSampler', 'DefaultSampler', 'ShuffleSampler', 'BalancedSampler']
)
def test_each_visit_differs_in_loops_by_iterations(sampler, hook, workers, tmp_path):
    views = train(FACES, hook, ITERATIONS, workers, sampler, work_dir=str(tmp_path))
    assert len(set(views)) == len(views) == 28


def test_living_loader_processes_never_freeze(tmp_path):
    for hook in (False, True):
        for config in (FACES, ONCE['KFoldDataset']):
            views = train(config, hook, workers=2, persistent=True, work_dir=str(tmp_path))
            assert len(set(views)) == len(views)


@pytest.mark.parametrize('name', [*ONCE, 'FERRepeat', 'FERClassBalanced'])
def test_with_the_hook_loader_processes_do_not_matter(name, tmp_path):
    config = {**ONCE, **REPEATED}[name]
    sampler = 'ShuffleSampler'
    runs = [
        train(config, True, workers=workers, sampler=sampler, persistent=persistent, work_dir=str(tmp_path))
        for workers, persistent in ((0, False), (2, True))
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(runs[0])
    assert not set(runs[0]) & set(train(config, True, sampler=sampler, seed=1, work_dir=str(tmp_path)))


@pytest.mark.parametrize('sampler', ['ShuffleSampler', 'BalancedSampler'])
def test_with_the_hook_loops_by_iterations_repeat_too(sampler, tmp_path):
    runs = [train(FACES, True, ITERATIONS, n, sampler, work_dir=str(tmp_path)) for n in (0, 2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize('name', ['RepeatDataset', 'ClassBalancedDataset'])
def test_with_the_hook_foreign_repetition_repeats_for_the_same_processes(name, tmp_path):
    runs = [train(REPEATED[name], True, workers=2, work_dir=str(tmp_path)) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ('name', 'loop', 'workers'),
    [
        ('plain', EPOCHS, 2),
        ('RepeatDataset', EPOCHS, 0),
        ('RepeatDataset', EPOCHS, 2),
        ('plain', ITERATIONS, 2),
    ],
)
def test_a_resumed_run_sees_the_same(name, loop, workers, tmp_path):
    sampler = 'DefaultSampler' if loop is EPOCHS else 'ShuffleSampler'
    options = dict(hook=True, workers=workers, sampler=sampler, work_dir=str(tmp_path / 'whole'))
    config = {**ONCE, **REPEATED}[name]
    whole = train(config, loop=loop, **options)
    length = dict(max_epochs=1) if loop is EPOCHS else dict(max_iters=4)
    options['work_dir'] = str(tmp_path / 'parts')
    first = train(config, loop={**loop, **length}, **options)
    rest = train(config, loop=loop, resume=True, **options)
    assert first + rest == whole and first and rest


def test_subsets_share_nothing():
    init_default_scope('mmpretrain')
    data = DATASETS.build(FACES)
    first, second = (data.get_subset([3, 4, 5]) for _ in range(2))
    assert len({id(part.pipeline) for part in (first, second, data)}) == 3
    first.pin_draws(0, 7)
    views = [part[0]['inputs'].numpy().tobytes() for part in (first, second, data) for _ in range(2)]
    assert views[0] == views[1]
    assert views[2] != views[3] and views[4] != views[5]  # these two are not pinned


def test_draws_leave_the_global_generators_alone():
    init_default_scope('mmpretrain')
    data = DATASETS.build(FACES)
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    expected = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    data[0]
    assert (torch.rand(1), np.random.rand(), random.random()) == expected


def numbers(draw: Draw) -> tuple:
    with draw.seeded():
        found = random.random(), np.random.rand(), float(torch.rand(()))
    return (*found, float(torch.rand((), generator=draw.generator('cpu'))))


def test_a_draw_seeds_every_generator_and_neighbors_share_nothing():
    draws = [Draw(*n) for n in np.ndindex(3, 3, 3, 3)]
    found = [numbers(draw) for draw in draws]
    assert found == [numbers(draw) for draw in draws]
    assert len({value for values in found for value in values}) == 4 * len(draws)


def test_an_index_of_the_end_is_that_image():
    init_default_scope('mmpretrain')
    data = DATASETS.build({**FACES, 'test_mode': True})
    assert data[-1]['data_samples'].sample_idx == COUNT - 1


def test_infinite_sampling_over_many_passes_never_freezes():
    init_default_scope('mmpretrain')
    data = SyntheticFaces(num_images=4, pipeline=PIPELINE)
    loader = iter(
        DataLoader(data, 4, sampler=InfiniteSampler(data), num_workers=2, collate_fn=pseudo_collate)
    )
    views = [x.numpy().tobytes() for _ in range(20) for x in next(loader)['inputs']]
    assert len(set(views)) == 80


def test_five_crop_yields_corners_and_center_evenly():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    crop = RandomFiveCrop(4)
    np.random.seed(0)
    corners = [int(crop(dict(img=image))['img'][0, 0]) for _ in range(1000)]
    assert set(corners) == {0, 6, 60, 66, 33}
    assert min(np.bincount(corners)[[0, 6, 60, 66, 33]]) > 150


def test_five_crop_refuses_small_images():
    with pytest.raises(ValueError, match=r'a\.jpg: 10 x 10 px is smaller than the 11 px crop'):
        RandomFiveCrop(11)(dict(img=np.zeros((10, 10, 3)), img_path='a.jpg'))
