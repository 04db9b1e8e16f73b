"""Training one head on stored features."""

from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import dacl_mm.comparison.run.hooks  # noqa: F401 - registers PairedInitHook
from dacl_mm.comparison.plan.methods import Method
from dacl_mm.errors import UserError
from dacl_mm.models.attention import find_weights

from .features import FeatureMaps
from .stored import StoredFeatures

#: Hooks of a config that heads depend on.
HEAD_HOOKS = {
    'CenterUpdateHook', 'ClassMeansHook', 'ClassPriorHook', 'ClassWeightHook', 'LossRampHook', 'RelabelHook',
}  # fmt: skip


class Plan(NamedTuple):
    """How heads are trained: SGD with momentum 0.9, its rate falling to 0 along a cosine."""

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float


class Fitted(NamedTuple):
    """What a trained head makes of the test images.

    Attributes:
        right: Whether it is right about each image, (N,).
        attention_spread: Standard deviation of its attention over images and dimensions, as a share of
            its mean; None without one.
    """

    right: np.ndarray
    attention_spread: float | None


def check_method(method: Method) -> None:
    """Check that a method is a head on a backbone.

    Raises:
        UserError: If it sees its images another way.
    """
    if method.weights_of:
        raise UserError(f'{method.name} trains no head: leave it out (--methods)')
    if method.cfg.model.type != 'ImageClassifier':
        raise UserError(
            f'{method.name} cannot be compared on frozen features: {method.cfg.model.type} passes images '
            'through the backbone in a way of its own; leave it out (--methods), and compare it with '
            'tools/compare.py'
        )


def head_config(method: Method, plan: Plan, seed: int, folder: Path) -> Config:
    """Return the config of a head's training, without its loader."""
    cfg = deepcopy(method.cfg)
    cfg.model.backbone = dict(type='StoredBackbone')
    cfg.model.data_preprocessor = dict(type='ClsDataPreprocessor')
    paramwise = cfg.optim_wrapper.get('paramwise_cfg')
    optimizer = dict(type='SGD', lr=plan.lr, momentum=0.9, weight_decay=plan.weight_decay)
    hooks = [hook for hook in cfg.custom_hooks if hook['type'] in HEAD_HOOKS]
    return Config(
        dict(
            default_scope='mmpretrain',
            model=cfg.model,
            optim_wrapper=dict(optimizer=optimizer, **(dict(paramwise_cfg=paramwise) if paramwise else {})),
            param_scheduler=dict(
                type='CosineAnnealingLR', T_max=plan.epochs, by_epoch=True, convert_to_iter_based=True
            ),
            train_cfg=dict(by_epoch=True, max_epochs=plan.epochs),
            custom_hooks=[*hooks, dict(type='NextViewHook'), dict(type='PairedInitHook')],
            default_hooks=dict(checkpoint=None, logger=dict(type='LoggerHook', interval=10**9)),
            randomness=dict(seed=seed),
            work_dir=str(folder / method.name / f'seed{seed}'),
            experiment_name=f'heads_{folder.resolve()}_{method.name}_{seed}'.replace('/', '_'),
            log_level='WARNING',
        )
    )


def fit(method: Method, train: FeatureMaps, test: FeatureMaps, plan: Plan, seed: int, folder: Path) -> Fitted:
    """Train a head, and see what it makes of each image of ``test``.

    Heads of one seed start from the same classifier and see the same batches.
    """
    cfg = head_config(method, plan, seed, folder)
    cfg.train_dataloader = dict(
        batch_size=plan.batch_size,
        num_workers=0,
        sampler=dict(type='ShuffleSampler'),
        collate_fn=dict(type='default_collate'),
        drop_last=True,
    )
    loader = dict(cfg.pop('train_dataloader'), dataset=StoredFeatures(train))
    runner = Runner(cfg=cfg, train_dataloader=loader, **cfg.to_dict())
    runner.train()
    model = runner.model.eval()
    weigh = find_weights(model)
    right, weights = [], []
    with torch.no_grad():
        for maps, label in zip(torch.split(test.maps[0], 256), torch.split(test.label, 256), strict=True):
            batch = maps.float().to(next(model.parameters()).device)
            right.append(model(batch).argmax(1).cpu() == label)
            if weigh is not None:
                weights.append(weigh(batch).double().cpu())
    attention = torch.cat(weights) if weights else None
    spread = None if attention is None else float(attention.std() / attention.mean())
    return Fitted(torch.cat(right).numpy(), spread)
