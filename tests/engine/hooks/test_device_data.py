"""With its data sets on the device a training is the one it was, and says when they are not."""

import numpy as np
import pytest
import torch
from device_run import CROP, EDGE, run
from mmcv.transforms import BaseTransform
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, TRANSFORMS
from small_runner import listen

from dacl_mm.datasets.draws import Draw
from dacl_mm.datasets.packing import pixel_collate
from dacl_mm.engine.hooks import DeviceDataHook
from dacl_mm.errors import UnreadableImageError, UserError
from dacl_mm.models.preprocessors import BatchPreprocessor

LOAD, PIXELS = dict(type='DrawFace', size=40), dict(type='PackPixels')
RANDOM = [dict(type='RandomFiveCrop', crop_size=32), dict(type='RandomFlip', prob=0.5)]


def faces(count=6, pipeline=(LOAD, PIXELS), **options):
    init_default_scope('mmpretrain')
    return DATASETS.build(dict(type='SyntheticFaces', num_images=count, pipeline=list(pipeline), **options))


class FakeRunner:
    """What the hook reads of a runner."""

    def __init__(self, dataset, preprocessor=None, workers=0):
        self.model = torch.nn.ModuleList([preprocessor or BatchPreprocessor(to_rgb=True)])
        self.train_dataloader = self.val_dataloader = self.test_dataloader = torch.utils.data.DataLoader(
            dataset, 4, num_workers=workers, collate_fn=pixel_collate
        )
        self.train_loop = None


def held(dataset, **options):
    """A data set and a preprocessor after the hook, and the message."""
    runner = FakeRunner(dataset)
    DeviceDataHook(**options).before_val(runner)
    return runner.model[0]


def test_what_is_learnt_and_predicted_is_the_same(tmp_path):
    (_, wanted), (runner, found) = (
        run('softmax_r18_synthetic', tmp_path / str(workers), True, [EDGE, *RANDOM], workers, hooks)
        for workers, hooks in ((0, ()), (2, (dict(type='DeviceDataHook'),)))
    )
    assert torch.equal(wanted, found)
    for loader in (runner.train_dataloader, runner.test_dataloader):
        inputs = next(iter(loader))['inputs']
        assert inputs.dtype == torch.int64 and inputs.shape[1] == 2


def test_draws_and_labels_stay_with_the_samples():
    data, other = faces(), faces(split='val', pipeline=[LOAD, dict(PIXELS, meta_keys=('expression',))])
    both = ConcatDataset([data, other])
    plain = [data[2], other[1], data[1]]
    preprocessor = held(both)
    named = [data[Draw(3, 1, 2, 5)], other[1], data[1]]
    assert named[0]['data_samples'].draw == (3, 1, 2, 5)
    assert [item['data_samples'].gt_label.item() for item in named] == [2, 1, 1]
    assert named[1]['data_samples'].expression == 'happiness' and 'img_path' not in named[1]['data_samples']
    wanted = preprocessor(dict(inputs=[item['inputs'] for item in plain]))['inputs']
    assert torch.equal(preprocessor(dict(inputs=pixel_collate(named)['inputs']))['inputs'], wanted)


def test_reading_for_the_device_is_no_visit(tmp_path):
    data = faces(pipeline=[LOAD, PIXELS])
    held(data)
    assert [data[i]['data_samples'].draw[3] for i in (0, 0, 1)] == [0, 1, 0]


def test_sets_that_do_not_fit_stay_with_the_loader(tmp_path):
    read = listen(tmp_path / 'log.txt')
    first, second = faces(), faces(12)
    size = 40 * 40 * 3 / 1e9
    held(ConcatDataset([first, second]), limit_gb=17 * size)
    assert first[0]['inputs'].dtype == torch.int64 and second[0]['inputs'].dtype == torch.uint8
    text = read()
    assert "SyntheticFaces, split 'train': 6 images are on the device, 0.00 GB in all" in text
    assert 'images stay with the loader: 0.00 GB exceed limit_gb=' in text


def test_a_gpu_that_is_full(tmp_path, monkeypatch):
    read = listen(tmp_path / 'log.txt')
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (5 * 10**9, 80 * 10**9))
    preprocessor = BatchPreprocessor()
    preprocessor._device = torch.device('cuda')
    data = faces()
    DeviceDataHook(margin_gb=5).before_test(FakeRunner(data, preprocessor))
    assert data[0]['inputs'].dtype == torch.uint8
    assert '0.00 GB do not fit: 5.00 GB are free, margin_gb=5' in read()


@TRANSFORMS.register_module()
class StripesForTests(BaseTransform):
    """An image that is 31 px high from some index on, and cannot be read at another."""

    random = False

    def __init__(self, longer=1000, broken=1000):
        self.longer, self.broken = longer, broken

    def transform(self, results):
        if results['sample_idx'] == self.broken:
            raise UnreadableImageError('stripes.png cannot be read')
        height = 31 if results['sample_idx'] >= self.longer else 30
        return {**results, 'img': np.zeros((height, 30, 3), np.uint8)}


@pytest.mark.parametrize('longer', [3, 64], ids=['within a batch', 'from a batch on'])
def test_several_sizes_stay_with_the_loader(longer, tmp_path):
    read = listen(tmp_path / 'log.txt')
    data = faces(70, [dict(type='StripesForTests', longer=longer), PIXELS])
    held(data)
    assert data[0]['inputs'].dtype == torch.uint8
    assert 'images stay with the loader: they are of several sizes' in read()


def test_unreadable_images_stay_with_the_loader(tmp_path):
    read = listen(tmp_path / 'log.txt')
    data = faces(14, [dict(type='StripesForTests', broken=5), PIXELS], unreadable='replace')
    held(data)
    assert data[5]['inputs'].dtype == torch.uint8  # of another image
    assert 'images stay with the loader: an image cannot be read (stripes.png' in read()


@pytest.mark.parametrize('pipeline', [[LOAD, CROP, PIXELS], [LOAD, dict(type='PackInputs')]], ids=str)
def test_pipelines_that_do_more_stay(pipeline, tmp_path):
    read = listen(tmp_path / 'log.txt')
    data = faces(pipeline=pipeline)
    held(data)
    assert data[0]['inputs'].dtype == torch.uint8
    assert 'the pipeline does more than load them' in read()


def test_loops_by_iterations_with_processes_stay(tmp_path):
    read = listen(tmp_path / 'log.txt')
    data = faces()
    DeviceDataHook().before_train(FakeRunner(data, workers=2))
    assert data[0]['inputs'].dtype == torch.uint8
    assert 'in a loop by iterations its processes run already' in read()
    DeviceDataHook().before_train(FakeRunner(data))
    assert data[0]['inputs'].dtype == torch.int64


def test_negative_sizes_are_refused():
    with pytest.raises(UserError, match='must not be negative, got -1 and 4'):
        DeviceDataHook(limit_gb=-1)
