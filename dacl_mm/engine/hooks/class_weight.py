"""Class weights from the training labels."""

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.errors import UserError


@HOOKS.register_module()
class ClassWeightHook(Hook):
    """Weigh the classification loss against class imbalance.

    Sets ``class_weight`` of every loss in the model that has it (MMPretrain's
    ``CrossEntropyLoss`` does): a class of n images gets a weight proportional to
    n ** -power; the weights of all images average 1.

    Args:
        power: 1 balances fully, 0.5 halfway.
    """

    def __init__(self, power: float = 1.0) -> None:
        if power < 0:
            raise UserError(f'power must not be negative, got {power}')
        self.power = power

    def before_train(self, runner: Runner) -> None:
        """Set the weights.

        Raises:
            UserError: If no loss of the model takes class weights.
        """
        dataset = runner.train_dataloader.dataset
        counts = np.bincount(dataset.get_gt_labels(), minlength=len(dataset.CLASSES))
        weight = np.maximum(counts, 1) ** -self.power
        weight *= counts.sum() / (weight * counts).sum()
        losses = [m for m in runner.model.modules() if hasattr(m, 'class_weight')]
        if not losses:
            raise UserError('ClassWeightHook: no loss of the model takes class_weight; use CrossEntropyLoss')
        for loss in losses:
            loss.class_weight = weight.tolist()
        shares = ', '.join(f'{name} {w:.2f}' for name, w in zip(dataset.CLASSES, weight))
        runner.logger.info(f'class weights: {shares}')
