"""Checkpoints against models and data sets that they do or do not fit."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmpretrain.registry import MODELS
from small_runner import listen
from torch import nn

from dacl_mm.engine.checkpoint.fit import check_weights, classes_of, use_classes
from dacl_mm.errors import UserError

CLASSES = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust')


def classifier(**head):
    return MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
            head=dict(
                type='DACLHead',
                num_classes=7,
                in_channels=512,
                feat_size=1,
                attention=dict(type='DACLAttention', hidden_channels=(8, 4)),
                loss_center=dict(type='SparseCenterLoss'),
            )
            | head,
        )
    )


@pytest.fixture(scope='module')
def model():
    return classifier()


def without(state_dict, *parts):
    return {k: v for k, v in state_dict.items() if not any(part in k for part in parts)}


def test_weights_that_predict_are_enough(model):
    weights = without(model.state_dict(), 'attention', 'loss_center', 'num_batches_tracked')
    assert len(weights) < len(model.state_dict()) - 20
    for checkpoint in (dict(state_dict=weights), weights, {f'module.{k}': v for k, v in weights.items()}):
        check_weights(model, checkpoint, 'x.pth')
    with pytest.raises(UserError, match=r'head\.attention.* is missing'):
        check_weights(model, weights, 'x.pth', training=True)


@pytest.mark.parametrize(
    ('gone', 'message'),
    [
        ('head.fc.bias', r'in 1 weights: head\.fc\.bias is missing'),
        ('layer3.1.bn2.running_var', r'running_var is missing'),
        ('', r'in 102 weights: backbone\.conv1\.weight is missing'),
    ],
)
def test_a_missing_weight_that_predicts_is_named(model, gone, message):
    with pytest.raises(UserError, match=rf'x\.pth does not fit.*{message}'):
        check_weights(model, dict(state_dict=without(model.state_dict(), gone)), 'x.pth')


def test_another_shape_is_named(model):
    weights = dict(model.state_dict(), **{'head.fc.weight': torch.zeros(6, 512)})
    with pytest.raises(UserError, match=r'head\.fc\.weight is \(6, 512\), the model needs \(7, 512\)'):
        check_weights(model, weights, 'x.pth')


def test_attention_of_a_backbone_does_predict():
    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.ModuleDict(dict(attention=nn.Linear(2, 2)))

    with pytest.raises(UserError, match=r'backbone\.attention\.weight is missing'):
        check_weights(Transformer(), dict(state_dict={}), 'x.pth')


def checkpoint(*classes):
    return dict(meta=dict(dataset_meta=dict(classes=classes)))


def test_the_same_classes_in_another_order_are_taken_over_below_wrappers_too():
    turned = CLASSES[::-1]
    leaf = dict(type='SyntheticFaces', num_images=7, split='test', pipeline=[])
    wrapped = ConfigDict(type='ConcatDataset', datasets=[leaf, leaf])
    use_classes(wrapped, checkpoint(*turned), 'x.pth')
    assert [tuple(child.classes) for child in wrapped.datasets] == [turned, turned]
    plain = ConfigDict(leaf)
    use_classes(plain, checkpoint(*CLASSES), 'x.pth')
    assert 'classes' not in plain


def test_other_classes_stop():
    leaf = ConfigDict(type='SyntheticFaces', num_images=7, split='test', pipeline=[])
    with pytest.raises(UserError, match='trained on the classes neutral, happiness, in this order'):
        use_classes(leaf, checkpoint('neutral', 'happiness'), 'x.pth')


def test_a_file_without_classes_is_said(tmp_path):
    said = listen(tmp_path / 'said')
    leaf = ConfigDict(type='SyntheticFaces', num_images=7, split='test', pipeline=[])
    use_classes(leaf, dict(state_dict={}), 'x.pth')
    assert 'x.pth names no classes' in said() and 'classes' not in leaf
    assert classes_of(dict(meta=None)) is None
