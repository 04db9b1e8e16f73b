"""What a training says of itself before its first step."""

import pytest
from mmengine.config import Config
from small_runner import Points, make_runner

from dacl_mm.engine.hooks.run_summary import describe_backbone

GIVEN = dict(type='ResNet', init_cfg=dict(checkpoint='weights.pth'))


class Labelled(Points):
    def get_gt_labels(self):
        return [i % 3 for i in range(5)]


@pytest.mark.parametrize(
    ('loop', 'extent'),
    [
        (dict(by_epoch=True, max_epochs=2), 'epoch 1 to 2'),
        (dict(by_epoch=False, max_iters=4), 'iteration 1 to 4'),
    ],
)
def test_extent_and_images_and_weights(tmp_path, loop, extent):
    runner = make_runner(tmp_path, train_cfg=loop, custom_hooks=[dict(type='RunSummaryHook')])
    runner.cfg.model = dict(backbone=dict(type='ResNet'))
    runner._val_dataloader['dataset'] = Labelled()
    runner.train()
    text = next(tmp_path.glob('*/*.log')).read_text()
    assert f'config: {extent}, seed 0, on 1 x ' in text
    assert 'train: 6 images\n' in text  # a data set that does not tell labels is counted alone
    assert 'val: 6 images (neutral 2, happiness 2, sadness 1)' in text
    assert 'backbone: ResNet, weights from scratch' in text


@pytest.mark.parametrize(
    ('backbone', 'load_from', 'source'),
    [
        (
            dict(type='ResNet', init_cfg=dict(checkpoint='weights.pth')),
            None,
            'ResNet, weights from weights.pth',
        ),
        (
            dict(type='ResNet', init_cfg=dict(checkpoint='weights.pth')),
            'all.pth',
            'ResNet, weights from all.pth',
        ),
        (None, None, 'none, weights from scratch'),
    ],
)
def test_weights_are_named(backbone, load_from, source):
    model = dict(backbone=backbone) if backbone else dict()
    assert describe_backbone(Config(dict(model=model, load_from=load_from))) == source
