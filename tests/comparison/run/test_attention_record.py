"""What the attention did, of any attention, wherever the run goes on."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from dacl_mm.comparison.run.hooks.attention_record import RECORD, AttentionRecordHook, describe


def test_description_equals_its_definitions():
    rng = np.random.default_rng(0)
    a, start = rng.uniform(size=(2, 6, 4))
    found = describe(torch.tensor(a), torch.tensor(start))
    assert found['mean'] == pytest.approx(a.mean()) and found['spread'] == pytest.approx(a.std())
    assert found['share_above_half'] == pytest.approx((a > 0.5).mean())
    assert found['shift'] == pytest.approx(np.abs(a - start).mean())
    assert found['correlation'] == pytest.approx(np.corrcoef(a.ravel(), start.ravel())[0, 1])
    assert found['input_share'] == pytest.approx(a.var(0).mean() / a.var())
    assert sum(found['histogram']) == pytest.approx(1)


class OneWeight(torch.nn.Module):
    """An attention of somebody else's: no class of ours."""

    def __init__(self):
        super().__init__()
        self.logit = torch.nn.Parameter(torch.zeros(3))

    def forward(self, feature_map):
        return (self.logit + feature_map.mean((2, 3))).sigmoid()


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = torch.nn.Sequential()
        self.backbone.forward = lambda inputs: (inputs,)
        self.head = torch.nn.Module()
        self.head.attention = OneWeight()

    def data_preprocessor(self, batch):
        return dict(inputs=torch.stack(batch['inputs']))


class Images:
    def __init__(self):
        self.read = []

    def __len__(self):
        return 500

    def __getitem__(self, i):
        self.read.append(i)
        return dict(inputs=torch.full((3, 2, 2), i / 500))


def test_any_attention_is_recorded_on_images_from_everywhere(tmp_path):
    images, model, hub = Images(), Model(), MessageHub.get_instance('record')
    runner = SimpleNamespace(
        model=model, val_loop=True, val_dataloader=SimpleNamespace(dataset=images), message_hub=hub,
        iter=0, epoch=0, work_dir=str(tmp_path),
    )  # fmt: skip
    hook = AttentionRecordHook(num_images=256)
    hook.before_train(runner)
    assert len(images.read) == 256 and images.read[0] == 0 and images.read[-1] == 499
    with torch.no_grad():
        model.head.attention.logit += 1
    again = AttentionRecordHook(num_images=256)  # a resumed process, in another folder
    runner.work_dir = str(tmp_path / 'elsewhere')
    again.after_train_epoch(runner)
    first, second = hub.get_info(RECORD)
    assert first['shift'] == 0 and second['shift'] > 0.1 and second['mean'] > first['mean']
    assert not list(tmp_path.iterdir())
