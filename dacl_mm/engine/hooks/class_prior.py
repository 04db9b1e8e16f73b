"""Class shares from the training labels."""

import torch
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import nn

from dacl_mm.datasets.class_shares import class_shares
from dacl_mm.models.class_prior import ClassPrior


def set_class_priors(model: nn.Module, dataset: BaseDataset) -> None:
    """Set every :class:`~dacl_mm.models.class_prior.ClassPrior` of a model to a data set's shares."""
    priors = [module for module in model.modules() if isinstance(module, ClassPrior)]
    if priors:
        shares = torch.from_numpy(class_shares([dataset])).float()
        for prior in priors:
            prior.set(shares)


@HOOKS.register_module()
class ClassPriorHook(Hook):
    """Tell the losses that need it how frequent the classes are in training.

    Sets every :class:`~dacl_mm.models.class_prior.ClassPrior` in the model; a model without is left alone,
    so that one runtime config serves every method.
    """

    def before_train(self, runner: Runner) -> None:
        set_class_priors(runner.model, runner.train_dataloader.dataset)
