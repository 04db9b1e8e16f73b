"""Class shares from the training labels."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.datasets.class_shares import class_shares
from dacl_mm.models.class_prior import ClassPrior


@HOOKS.register_module()
class ClassPriorHook(Hook):
    """Tell the losses that need it how frequent the classes are in training.

    Sets every :class:`~dacl_mm.models.class_prior.ClassPrior` in the model; a model without is left alone,
    so that one runtime config serves every method.
    """

    def before_train(self, runner: Runner) -> None:
        priors = [m for m in runner.model.modules() if isinstance(m, ClassPrior)]
        if priors:
            shares = torch.from_numpy(class_shares([runner.train_dataloader.dataset])).float()
            for prior in priors:
                prior.set(shares)
