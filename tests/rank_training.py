"""A training of milliseconds in float64 that goes the way of real ones, for several processes."""

import itertools
import os
import signal
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import MODELS as ENGINE_MODELS
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import DATASETS, HOOKS, MODELS
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.data import Dataset

from dacl_mm.engine.launch import build_runner, require_batches
from dacl_mm.errors import UserError

COUNT = itertools.count()
GLOBAL_BATCH = 12
CLASSES = ('a', 'b', 'c', 'd')


@DATASETS.register_module()
class FewMaps(Dataset):
    """Maps of four classes; the last is rare, so that most ranks' batches lack it."""

    metainfo = dict(classes=CLASSES)
    CLASSES = CLASSES

    def __init__(self, count):
        generator = torch.Generator().manual_seed(7)
        self.maps = torch.randn(count, 3, 4, 4, generator=generator, dtype=torch.float64)
        self.labels = torch.randint(3, (count,), generator=generator)
        self.labels[::11] = 3

    def __len__(self):
        return len(self.maps)

    def get_gt_labels(self):
        return self.labels.numpy()

    def __getitem__(self, i):
        sample = DataSample(metainfo=dict(img_path=f'{i}.png')).set_gt_label(int(self.labels[i]))
        return dict(inputs=self.maps[i].to(torch.get_default_dtype()), data_samples=sample)


@MODELS.register_module()
class OneConvolution(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)

    def forward(self, x):
        return (self.norm(self.conv(x)).relu(),)


@MODELS.register_module()
class FrozenStatistics(ImageClassifier):
    """Normalises by fixed statistics, as no SyncBatchNorm works on a CPU."""

    def train(self, mode=True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


@MODELS.register_module()
class AsItIs(ENGINE_MODELS.get('BaseDataPreprocessor')):
    """mmpretrain's makes float32."""

    def __init__(self, batch_augments=None):
        super().__init__()


@HOOKS.register_module()
class FailOnOne(Hook):
    """Fail on one process alone: by a ``UserError``, by a bug, or killed.

    Args:
        how: 'mistake', 'bug' or 'kill'.
        at: Iteration, counted from 0. A process that torchrun has restarted does not fail.
    """

    def __init__(self, how, at):
        self.how, self.at = how, at

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        again = os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') != '0'
        if again or get_rank() != 1 or runner.iter != self.at:
            return
        if self.how == 'mistake':
            raise UserError('the disk of this process is full')
        if self.how == 'bug':
            raise KeyError('a bug of this process')
        os.kill(os.getpid(), signal.SIGKILL)


def settings(work_dir, batch_size: int, count=48, sampler=None, drop_last=True, **changes: Any) -> Config:
    """Return a config of a training of ``batch_size`` images a step over all processes."""
    loader = dict(
        batch_size=batch_size,
        dataset=dict(type='FewMaps', count=count),
        sampler=sampler or dict(type='ShuffleSampler'),
        collate_fn=dict(type='default_collate'),
        num_workers=0,
        drop_last=drop_last,
    )
    attention = dict(type='DACLAttention', hidden_channels=(8, 4))
    head = dict(type='DACLHead', num_classes=4, in_channels=6, feat_size=4, attention=attention)
    head['loss_center'] = dict(type='SparseCenterLoss', loss_weight=0.1)
    test = loader | dict(
        dataset=dict(type='FewMaps', count=19),
        sampler=dict(type='DefaultSampler', shuffle=False),
        drop_last=False,
    )
    return Config(
        dict(
            default_scope='mmpretrain',
            experiment_name=f'ranks_{next(COUNT)}',
            work_dir=str(work_dir),
            launcher='pytorch' if 'RANK' in os.environ else 'none',
            model=dict(
                type='FrozenStatistics',
                backbone=dict(type='OneConvolution'),
                head=head,
                data_preprocessor=dict(type='AsItIs'),
            ),
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=2),
            test_dataloader=test,
            test_cfg=dict(),
            test_evaluator=[dict(type='Accuracy', topk=(1,), collect_device='gpu'), dict(type='FERMetric')],
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
            default_hooks=dict(checkpoint=None),
            custom_hooks=[dict(type='CenterUpdateHook'), dict(type='SyncBuffersHook')],
            randomness=dict(seed=0),
            runner_type='FERRunner',
        )
        | changes
    )


def trained(cfg: Config) -> dict[str, Any]:
    """Train; return gradients of each step, what is trained, and the centres, as float64 arrays."""
    runner = build_runner(cfg)
    require_batches(runner)
    model = runner.model.module if get_world_size() > 1 else runner.model
    gradients: list[dict[str, Any]] = []

    def keep(*_):
        gradients.append({name: p.grad.numpy().copy() for name, p in model.named_parameters()})

    build = runner.build_optim_wrapper

    def watched(wrapper):
        built = build(wrapper)
        built.optimizer.register_step_pre_hook(keep)
        return built

    runner.build_optim_wrapper = watched
    runner.train()
    weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    return dict(gradients=gradients, weights=weights, centers=weights['head.loss_center.centers'])
