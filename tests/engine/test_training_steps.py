"""The runner's steps against a plain PyTorch loop written from the formulas."""

import os
from types import SimpleNamespace

import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from mmengine.dist import all_gather
from mmengine.model import BaseModel
from mmengine.registry import MODELS as ENGINE_MODELS
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from dacl_mm.engine.hooks.center_update import CenterUpdateHook
from dacl_mm.errors import UserError
from dacl_mm.models.losses.center_loss import SparseCenterLoss

LR, MOMENTUM, DECAY, LAMBDA, ALPHA = 0.05, 0.9, 5e-4, 0.1, 0.5
K, C, SIZE, BATCH, STEPS = 4, 6, 2, 8, 6


class Maps(Dataset):
    """Feature maps with labels; class 3 is absent from most batches."""

    metainfo = dict(classes=('a', 'b', 'c', 'd'))
    CLASSES = metainfo['classes']

    def __init__(self):
        generator = torch.Generator().manual_seed(7)
        self.maps = torch.randn(BATCH * STEPS, C, SIZE, SIZE, generator=generator)
        self.labels = torch.randint(3, (BATCH * STEPS,), generator=generator)
        self.labels[-1] = 3

    def __len__(self):
        return len(self.maps)

    def __getitem__(self, i):
        return dict(inputs=self.maps[i], data_samples=DataSample().set_gt_label(int(self.labels[i])))


class OnMaps(BaseModel):
    """A 1 x 1 convolution in front of the head, so that embeddings train too."""

    def __init__(self):
        super().__init__(data_preprocessor=ENGINE_MODELS.build(dict(type='BaseDataPreprocessor')))
        self.conv = torch.nn.Conv2d(C, C, 1)
        attention = dict(type='DACLAttention', hidden_channels=(8, 4))
        center = dict(type='SparseCenterLoss', loss_weight=LAMBDA)
        self.head = MODELS.build(
            dict(
                type='DACLHead',
                num_classes=K,
                in_channels=C,
                feat_size=SIZE,
                attention=attention,
                loss_center=center,
            )
        )

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.head.loss((self.conv(inputs),), data_samples)


def make_runner(tmp_path, accumulate=1, batch=BATCH, **kwargs):
    torch.manual_seed(0)
    model = OnMaps()
    model.head.init_weights()
    optim_wrapper = dict(
        optimizer=dict(type='SGD', lr=LR, momentum=MOMENTUM, weight_decay=DECAY),
        accumulative_counts=accumulate,
    )
    return Runner(
        model,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=batch,
            dataset=Maps(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
            drop_last=True,
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=optim_wrapper,
        default_hooks=dict(checkpoint=None, logger=dict(type='LoggerHook', interval=1)),
        custom_hooks=[dict(type='CenterUpdateHook'), dict(type='CenterMonitorHook', interval=2)],
        default_scope='mmpretrain',
        experiment_name=f'steps_{os.getpid()}_{tmp_path.name}',
        randomness=dict(seed=0),
        **kwargs,
    )


def plain_loop(model, epochs=2, micro=1):
    """Train by the formulas: no head, loss or hook of the package."""
    conv, fc = model.conv, model.head.fc
    network, heads = model.head.attention.encoder, model.head.attention.heads
    params = [p for p in model.parameters()]
    centers = model.head.loss_center.centers.clone()
    velocity = [torch.zeros_like(p) for p in params]
    data, losses = Maps(), []
    for _ in range(epochs):
        for step in range(STEPS // micro):
            numerator, count = torch.zeros_like(centers), torch.zeros(K)
            grads = [torch.zeros_like(p) for p in params]
            for part in range(micro):
                i = (step * micro + part) * BATCH
                x_map, y = conv(data.maps[i : i + BATCH]), data.labels[i : i + BATCH]
                x = x_map.mean((2, 3))
                a = heads(network(x_map.flatten(1))).view(-1, C, 2).softmax(-1)[..., 1]
                center_loss = (a * (x - centers[y]) ** 2).sum() / (2 * BATCH)
                loss = F.cross_entropy(fc(x), y) + LAMBDA * center_loss
                losses.append(loss.item())
                for g, new in zip(grads, torch.autograd.grad(loss / micro, params)):
                    g += new
                for j in range(BATCH):
                    numerator[y[j]] += (a[j] * (centers[y[j]] - x[j])).detach()
                    count[y[j]] += 1
            with torch.no_grad():
                for p, v, g in zip(params, velocity, grads):
                    v.mul_(MOMENTUM).add_(g + DECAY * p)
                    p -= LR * v
                centers = centers - ALPHA * numerator / (1 + count)[:, None]
    return centers, losses


@pytest.mark.parametrize('micro', [1, 3])
def test_runner_equals_the_plain_loop(tmp_path, micro):
    runner = make_runner(tmp_path, accumulate=micro)
    reference = make_runner(tmp_path / 'reference').model
    centers, losses = plain_loop(reference, micro=micro)
    runner.train()
    torch.testing.assert_close(runner.model.head.loss_center.centers, centers, rtol=1e-5, atol=1e-6)
    for (name, p), q in zip(runner.model.named_parameters(), reference.parameters()):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6, msg=name)
    logged = runner.message_hub.get_scalar('train/loss').data[0]
    torch.testing.assert_close(torch.tensor(logged), torch.tensor(losses).double(), rtol=1e-5, atol=1e-6)


def test_monitor_reports_attention_and_centers(tmp_path):
    runner = make_runner(tmp_path)
    runner.train()
    scalars = {k: v.data[0] for k, v in runner.message_hub.log_scalars.items()}
    own, between = scalars['train/center/intra_distance'], scalars['train/center/inter_distance']
    assert len(own) == 6  # every second of 12 iterations
    assert scalars['train/center/intra_inter_ratio'] == pytest.approx(own / between, rel=1e-5)
    assert ((scalars['train/attention/mean'] > 0) & (scalars['train/attention/mean'] < 1)).all()
    assert (
        scalars['train/attention/mean_shift'][0] == 0
        and (scalars['train/attention/mean_shift'][1:] > 0).all()
    )
    assert (scalars['train/center/update_norm'] > 0).all()
    centers = runner.model.head.loss_center.centers
    assert between[-1] == pytest.approx(torch.pdist(centers).mean().item(), rel=1e-5)


def test_alpha_schedule():
    hook = CenterUpdateHook(milestones=(2, 4), gamma=0.1)
    loss = SparseCenterLoss(K, C, alpha=0.5)
    model = torch.nn.ModuleList([loss])
    moved = []
    for epoch in range(5):
        loss.reset_parameters()
        loss.centers.zero_()
        loss(torch.ones(1, C), torch.tensor([0]), torch.ones(1, C))
        runner = SimpleNamespace(
            model=model, epoch=epoch, iter=0, optim_wrapper=SimpleNamespace(should_update=lambda: True)
        )
        hook.after_train_iter(runner, 0)
        moved.append(round(2 * loss.centers[0, 0].item(), 6))  # alpha * gap / (1 + n)
    assert moved == [0.5, 0.5, 0.05, 0.05, 0.005]
    with pytest.raises(UserError, match=r'model\.head\.loss_center\.alpha=0\.3'):
        CenterUpdateHook(alpha=0.3)


def _rank(rank, port, folder):
    os.environ.update(
        RANK=str(rank), WORLD_SIZE='2', LOCAL_RANK=str(rank), MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port)
    )
    torch.distributed.init_process_group('gloo')
    torch.manual_seed(rank)  # ranks start from different centres
    loss = SparseCenterLoss(K, C, alpha=ALPHA).double()
    loss.broadcast_centers()
    start = loss.centers.clone()
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(8, C, generator=generator, dtype=torch.float64)
    a = torch.rand(8, C, generator=generator, dtype=torch.float64)
    y = torch.tensor([0, 0, 1, 3, 1, 0, 0, 3])
    mine = slice(4 * rank, 4 * rank + 4)
    loss(x[mine], y[mine], a[mine])
    loss.update_centers()
    assert torch.equal(*all_gather(loss.centers))
    others = all_gather(start)
    assert torch.equal(others[0], others[1]), 'the ranks started from different centres'
    if rank == 0:
        sums = torch.zeros_like(start).index_add_(0, y, a * (start[y] - x))
        counts = torch.bincount(y, minlength=K)
        torch.save((loss.centers, start - ALPHA * sums / (1 + counts)[:, None]), f'{folder}/r.pth')
    torch.distributed.destroy_process_group()


def test_two_ranks_equal_one_process(tmp_path):
    import socket

    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    mp.spawn(_rank, (port, str(tmp_path)), nprocs=2)
    torch.testing.assert_close(*torch.load(tmp_path / 'r.pth', weights_only=True), rtol=1e-12, atol=1e-12)
