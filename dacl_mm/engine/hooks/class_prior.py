"""Class shares from the training labels."""

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from dacl_mm.models.class_prior import ClassPrior


def class_shares(dataset: object) -> Tensor:
    """Return the classes' shares of a data set's images, (K,); of the votes where it has vote distributions.

    A class without images counts as one image, since losses take the logarithm.
    """
    holder, num_classes = getattr(dataset, 'data_list', dataset), len(dataset.CLASSES)  # type: ignore[attr-defined]
    shares = holder.shares() if hasattr(holder, 'shares') else None
    if shares is not None:
        count = shares.sum(0)
    else:
        count = np.bincount(dataset.get_gt_labels(), minlength=num_classes).astype(float)  # type: ignore[attr-defined]
    count = np.where(count > 0, count, 1)
    return torch.from_numpy(count / count.sum()).float()


@HOOKS.register_module()
class ClassPriorHook(Hook):
    """Tell the losses that need it how frequent the classes are in training.

    Sets every :class:`~dacl_mm.models.class_prior.ClassPrior` in the model; a model without is left alone,
    so that one runtime config serves every method.
    """

    def before_train(self, runner: Runner) -> None:
        priors = [m for m in runner.model.modules() if isinstance(m, ClassPrior)]
        if priors:
            shares = class_shares(runner.train_dataloader.dataset)
            for prior in priors:
                prior.set(shares)
