"""A batch through the preprocessor: as MMPretrain's after per-image transforms, whoever else is in it."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS, TRANSFORMS
from pictures import faces, samples, tensors
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import BATCH_TRANSFORMS, BatchPreprocessor, BatchTransform, resampling
from dacl_mm.models.preprocessors.memory import BatchMemory
from dacl_mm.models.preprocessors.threads import single_threads

CPU = torch.device('cpu')
NORM = dict(mean=[146.676, 114.6225, 102.306], std=[53.193, 48.7305, 45.9765])
EDGE = dict(type='ResizeEdge', scale=72, edge='short', backend='pillow')
TRAIN = [EDGE, dict(type='RandomFiveCrop', crop_size=64), dict(type='RandomFlip', prob=0.5)]
TEST = [EDGE, dict(type='CenterCrop', crop_size=64)]


PIXELWISE = [
    dict(type='RandomAffine', degrees=9, interpolation='bilinear'),
    dict(type='RandomAffine', degrees=9),
    dict(type='ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1),
    dict(type='RandomErasing'),
    dict(type='RandomErasing', mode='rand'),
    dict(type='RandomCrop', crop_size=64, padding=4),
]


def build(train=TRAIN, test=TEST, **options):
    options = dict(num_classes=7, to_rgb=True) | NORM | options
    return BatchPreprocessor(train_pipeline=train, test_pipeline=test, **options)


def batch(images, **options):
    return dict(inputs=tensors(images), data_samples=samples(len(images), **options))


@pytest.fixture(params=[1, 2], ids=['1 thread', '2 threads'])
def threads(request):
    torch.set_num_threads(request.param)


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('to_rgb', [False, True])
def test_testing_equals_the_per_image_pipeline(channels_last, to_rgb, threads):
    init_default_scope('mmpretrain')
    images = faces(40, 48)
    expected = images
    for transform in map(TRANSFORMS.build, deepcopy(TEST)):
        expected = [transform(dict(img=image))['img'] for image in expected]
    stock = ClsDataPreprocessor(to_rgb=to_rgb, num_classes=7, **NORM)
    wanted = stock(dict(inputs=tensors(expected), data_samples=samples(40)))
    done = build(to_rgb=to_rgb, channels_last=channels_last)(batch(images))
    assert torch.equal(done['inputs'], wanted['inputs'])
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert done['inputs'].is_contiguous(memory_format=layout)
    assert [s.gt_label.item() for s in done['data_samples']] == [i % 7 for i in range(40)]


def test_training_flips_and_crops(threads):
    """Each image of a batch is one of the ten views that the pipeline can make of it."""
    images = faces(40, 48)
    found = build()(batch(images), True)['inputs']
    views = []
    for top, left in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4)):
        whole = build(train=[EDGE])(batch(images), True)['inputs']
        crop = whole[..., top : top + 64, left : left + 64]
        views += [crop, crop.flip(3)]
    same = torch.stack([(view == found).flatten(1).all(1) for view in views])
    assert (same.sum(0) == 1).all() and same.any(1).sum() >= 9


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('more', [[], PIXELWISE], ids=['moved', 'computed'])
def test_company_order_and_size_of_the_batch_do_not_matter(more, channels_last, threads):
    images = faces(20, 48) + faces(20, 61, 70, seed=1)
    preprocessor = build(train=TRAIN + more, channels_last=channels_last)
    whole = preprocessor(batch(images), True)['inputs']
    tags = samples(40)
    for order in ([7], [39, 0, 21], np.random.default_rng(0).permutation(40).tolist()):
        part = dict(inputs=tensors([images[i] for i in order]), data_samples=[tags[i] for i in order])
        assert torch.equal(preprocessor(part, True)['inputs'], whole[order])


def test_draws_decide(threads):
    images = faces(1, 48) * 40
    preprocessor = build()
    first, again, other = (preprocessor(batch(images, seed=seed), True)['inputs'] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({view.numpy().tobytes() for view in first}) > 8  # one image, ten views


def test_a_stacked_batch_is_a_list(threads):
    images = faces(5, 48)
    stacked = dict(batch(images), inputs=torch.stack(tensors(images)))
    assert torch.equal(build()(stacked, True)['inputs'], build()(batch(images), True)['inputs'])


def test_a_batch_keeps_its_memory_while_it_is_held():
    images, preprocessor = faces(3, 48), build()
    first = preprocessor(batch(images))['inputs']
    view, copy = first[1:, 0], first.clone()
    del first
    for seed in range(3):
        preprocessor(batch(faces(3, 48, seed=seed + 5)))
    assert torch.equal(view, copy[1:, 0])


def test_memory_that_nobody_holds_is_used_again():
    memory = BatchMemory()
    first = memory.empty(4, 5)
    place = first.data_ptr()
    other = memory.empty(4, 5)
    assert other.data_ptr() != place
    row = first[2]
    del first
    assert memory.empty(4, 5).data_ptr() != place  # the row lives on
    del row
    smaller = memory.empty(3, 5)
    assert smaller.data_ptr() == place
    del smaller, other
    assert memory.empty(9, 5).shape == (9, 5)  # more than any of them


def test_gradients_and_inference_mode(threads):
    images, preprocessor = faces(4, 48), build()
    inputs = preprocessor(batch(images), True)['inputs']
    weight = torch.ones(3, 3, 1, 1, requires_grad=True)
    torch.nn.functional.conv2d(inputs, weight).sum().backward()
    with torch.inference_mode():
        assert torch.equal(preprocessor(batch(images), True)['inputs'], inputs)


def test_threads_of_torch_are_as_before():
    torch.set_num_threads(2)
    single_threads.cache_clear()
    build()(batch(faces(40, 48)))
    with ThreadPoolExecutor(1) as later:
        assert [torch.get_num_threads(), later.submit(torch.get_num_threads).result()] == [2, 2]


def test_what_is_given_is_left_alone():
    images = faces(12, 48)
    build(to_rgb=False)(batch(images), True)
    assert all(np.array_equal(image, same) for image, same in zip(images, faces(12, 48), strict=True))
    stacked = torch.stack(tensors(images))
    build(to_rgb=False)(dict(batch(images), inputs=stacked), True)
    assert torch.equal(stacked, torch.stack(tensors(images)))


class NoWaiting(TorchDispatchMode):
    """Refuses copies to a GPU that the host waits for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and kwargs.get('device', CPU).type == 'cuda':
            assert kwargs.get('non_blocking')
        if func is torch.ops.aten.copy_.default and args[0].device.type == 'cuda':
            assert args[1].device.type == 'cuda' or kwargs.get('non_blocking')
        return func(*args, **kwargs)


@pytest.mark.parametrize('training', [False, True])
def test_nothing_waits_for_a_gpu(training):
    """A tensor without data stands for one on a GPU: what asks for a value of it raises."""
    preprocessor = build(train=TRAIN + PIXELWISE, channels_last=True)
    preprocessor._device = torch.device('cuda')
    images = faces(2, 48) + faces(1, 60)
    for pipeline in (preprocessor.train_pipeline, preprocessor.test_pipeline):
        assert {pipeline.output_size((side, side)) for side in (48, 60)} == {(64, 64)}  # on the host, once
    try:
        with FakeTensorMode(allow_non_fake_inputs=True), NoWaiting():
            preprocessor.mean = torch.empty(3, 1, 1, device='cuda')
            preprocessor.std = torch.empty(3, 1, 1, device='cuda')
            done = preprocessor(batch(images), training)
    finally:
        resampling._taps.cache_clear()
    assert done['inputs'].device.type == 'cuda' and done['inputs'].shape == (3, 3, 64, 64)
    assert done['data_samples'][0].gt_label.device.type == 'cuda'


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('training', [False, True])
def test_a_gpu_gives_the_same(training):
    images = faces(6, 48) + faces(2, 224)
    wanted = build(train=TRAIN + PIXELWISE[1:])(batch(images), training)['inputs']
    preprocessor = build(train=TRAIN + PIXELWISE[1:]).cuda()
    torch.cuda.set_sync_debug_mode('error')
    try:
        found = preprocessor(batch(images), training)['inputs']
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert torch.equal(found.cpu(), wanted)


def test_padding_and_mixing_are_mmpretrains():
    images = faces(4, 48)
    stock = ClsDataPreprocessor(to_rgb=True, num_classes=7, pad_size_divisor=50, **NORM)
    crops = [image[8:40, 8:40] for image in images]
    options = dict(test=[dict(type='CenterCrop', crop_size=32)], pad_size_divisor=50)
    wanted = stock(dict(inputs=torch.stack(tensors(crops))))['inputs']
    assert torch.equal(build(**options)(dict(inputs=tensors(images)))['inputs'], wanted)
    mixed = build(batch_augments=dict(augments=dict(type='Mixup', alpha=1.0)))(batch(images), True)
    assert all(len(sample.gt_score) == 7 for sample in mixed['data_samples'])


def test_no_normalization():
    images = faces(2, 48)
    done = build(mean=None, std=None, to_rgb=False, test=[])(batch(images))['inputs']
    assert torch.equal(done, torch.stack(tensors(images)).float())


def test_it_is_built_by_its_name_and_copied():
    init_default_scope('mmpretrain')
    built = MODELS.build(dict(type='BatchPreprocessor', test_pipeline=TEST, to_rgb=True, **NORM))
    images = batch(faces(3, 48))
    assert torch.equal(deepcopy(built)(images)['inputs'], built(images)['inputs'])
    assert not built.state_dict()


def test_a_transform_of_ones_own():
    @BATCH_TRANSFORMS.register_module(name='UpsideDownForTests')
    class UpsideDown(BatchTransform):
        def __call__(self, view, numbers):
            every = np.ones(len(view), bool)
            return view.flipped(~every, every)

    images = faces(2, 48)
    turned = build(test=[dict(type='UpsideDownForTests')])(batch(images))['inputs']
    assert torch.equal(turned, build(test=[])(batch(images))['inputs'].flip(2))


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='Lighting'), r'Lighting has no batched counterpart.*RandomFlip'),
        (dict(type='RandomFlop', prob=0.5), r'did you mean RandomFlip\?'),
        (
            dict(type='RandomFiveCrop', size=3),
            r'batched RandomFiveCrop has no argument size; it has crop_size',
        ),
        (dict(type='ResizeEdge'), r'batched ResizeEdge needs scale'),
        (dict(EDGE, interpolation='bicubic'), r"must be 'bilinear', got 'bicubic'"),
        (dict(EDGE, backend='tv'), r"must be one of pillow, cv2, got 'tv'"),
        (dict(EDGE, edge='shorter'), r"edge must be one of short.*got 'shorter'"),
        (dict(type='Resize'), r'Resize needs scale or scale_factor'),
        (dict(type='RandomFlip', prob=1.5), r'RandomFlip must be a probability.*1\.5'),
        (dict(type='RandomFlip', prob=0.5, direction='left'), r"direction must be of .* got 'left'"),
    ],
    ids=str,
)
def test_faults_of_a_pipeline(transform, message):
    with pytest.raises(UserError, match=message):
        build(train=[transform])


def test_faults_of_arguments():
    with pytest.raises(UserError, match='needs mean and std'):
        build(std=None)


def test_faults_of_a_batch():
    images = faces(2, 48)
    untold = batch(images)
    untold['data_samples'][1].pop('draw')
    with pytest.raises(UserError, match=r'carry no draw.*PackPixels'):
        build()(untold, True)
    with pytest.raises(UserError, match=r'several sizes \(48 x 48, 60 x 60 px\)'):
        build(test=[])(batch(images + faces(1, 60)))
    with pytest.raises(UserError, match=r'expected images of uint8, \(3, H, W\), got torch.float32'):
        build()(dict(inputs=[x.float() for x in tensors(images)]))
    with pytest.raises(UserError, match=r'48 x 48 px are smaller than the 64 px crop'):
        build(train=TRAIN[1:])(batch(images), True)
