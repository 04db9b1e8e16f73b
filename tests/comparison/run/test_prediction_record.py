"""What a model says of each test image, in the precision of the test."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner.amp import autocast
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.comparison.run.hooks.prediction_record import PredictionRecordHook


@pytest.mark.parametrize('bfloat16', [False, True])
@pytest.mark.parametrize(
    'head',
    [dict(type='UncertaintyHead', feat_size=2, embed_channels=4), dict(type='DACLHead', feat_size=2)],
    ids=lambda head: head['type'],
)
def test_embeddings_are_those_of_the_test(tmp_path, head, bfloat16):
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(
                type='ResNet_CIFAR', depth=18, stem_channels=8, base_channels=8, strides=(2, 2, 2, 2)
            ),
            head=dict(head, num_classes=7, in_channels=64),
        )
    ).eval()
    images = torch.randn(4, 3, 32, 32)
    samples = [DataSample(metainfo=dict(img_path=f'{i}.png')).set_gt_label(i) for i in range(4)]
    runner = SimpleNamespace(
        model=model,
        test_loop=SimpleNamespace(fp16=bfloat16),
        test_dataloader=SimpleNamespace(dataset=samples),
        work_dir=str(tmp_path),
    )
    hook = PredictionRecordHook()
    hook.before_test(runner)
    with torch.no_grad():
        with autocast(enabled=bfloat16):
            outputs = model(images, samples, mode='predict')
            expected = model.head.pre_logits(model.extract_feat(images, stage='backbone')).float()
        hook.after_test_iter(runner, 0, outputs=outputs)
    hook.after_test_epoch(runner)
    hook.after_test(runner)
    with np.load(tmp_path / 'predictions.npz') as found:
        np.testing.assert_array_equal(found['embedding'], expected.numpy())
        np.testing.assert_array_equal(found['label'], range(4))
        np.testing.assert_allclose(found['score'].sum(1), 1, atol=1e-2)
