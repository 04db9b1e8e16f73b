"""What prediction does without: left out of the best checkpoint, and not missed by it."""

from pathlib import Path

import pytest
import torch
from mmpretrain.registry import MODELS
from small_runner import Linear, make_runner
from torch import nn

from dacl_mm.engine.checkpoint.training_only import fill_in, training_only

DACL = dict(
    type='DACLHead',
    num_classes=7,
    in_channels=512,
    feat_size=1,
    attention=dict(type='DACLAttention', hidden_channels=(8, 4)),
)
SOFTMAX = dict(type='LinearClsHead', num_classes=7, in_channels=512)


@pytest.mark.parametrize(
    ('head', 'parts'),
    [
        (DACL, ('head.attention.', 'head.loss_center.')),
        (SOFTMAX, ()),
        (dict(type='CenterLossHead', head=SOFTMAX), ('head.loss_center.',)),
        (
            dict(type='CenterLossHead', head=DACL),
            ('head.loss_center.', 'head.head.attention.', 'head.head.loss_center.'),
        ),
    ],
)
def test_the_heads_say_what_prediction_does_without(head, parts):
    model = MODELS.build(
        dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18, out_indices=(3,)), head=head)
    )
    assert training_only(model) == parts
    model.eval()
    with torch.no_grad():
        feats = (torch.randn(2, 512, 1, 1) if 'DACLHead' in str(head) else torch.randn(2, 512),)
        before = model.head(feats)
        for name, value in model.state_dict().items():
            if name.startswith(parts):
                value.fill_(float('nan') if value.is_floating_point() else 0)
        assert torch.equal(model.head(feats), before)


def test_attention_that_nobody_declares_does_predict():
    model = nn.ModuleDict(dict(head=nn.ModuleDict(dict(attention=nn.Linear(2, 2)))))
    assert training_only(model) == ()


def declared() -> Linear:
    """Return a model with a part for training alone."""
    model = Linear()
    model.extra, model.training_only = nn.Linear(3, 3), ('extra',)
    return model


def test_a_part_that_is_there_in_part_is_not_filled_in():
    model = declared()
    weights = model.state_dict()
    del weights['extra.bias']
    assert fill_in(model, dict(state_dict=weights)) == [] and 'extra.bias' not in weights
    del weights['extra.weight']
    prefixed = {f'module.{name}': value for name, value in weights.items()}
    for checkpoint in (weights, dict(state_dict=prefixed)):
        assert fill_in(model, checkpoint) == ['extra']
    assert torch.equal(weights['extra.bias'], model.extra.bias)


def log(runner) -> str:
    return next(Path(runner.log_dir).glob('*.log')).read_text()


def test_the_best_checkpoint_is_without_it_tests_in_silence_and_warns_in_training(tmp_path):
    make_runner(tmp_path, epochs=1, model=declared()).train()
    (best,) = tmp_path.glob('best_*.pth')
    assert set(torch.load(best, weights_only=True)['state_dict']) == {'fc.weight', 'fc.bias'}
    assert 'extra.weight' in torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['state_dict']
    options = dict(load_from=str(best), settings=dict(load_from=str(best)))
    loader = dict(
        batch_size=3, dataset=make_runner(tmp_path).val_dataloader.dataset, num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False), collate_fn=dict(type='pseudo_collate'),
    )  # fmt: skip
    test = dict(test_dataloader=loader, test_cfg=dict(), test_evaluator=dict(type='Accuracy', topk=(1,)))
    tested = make_runner(tmp_path / 'test', model=declared(), **options, **test)
    tested.test()
    assert 'WARNING - The model' not in log(tested) and 'extra' not in log(tested).split('Load checkpoint')[1]
    trained = make_runner(tmp_path / 'train', epochs=1, model=declared(), **options)
    trained.train()
    assert f'{best} holds no extra: training starts them anew' in log(trained)
