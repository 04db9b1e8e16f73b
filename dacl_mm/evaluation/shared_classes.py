"""A model of one set tested on another: scoring the classes both have."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import Evaluator
from mmpretrain.registry import EVALUATORS

from dacl_mm.datasets.labels import class_index
from dacl_mm.errors import UserError


@EVALUATORS.register_module()
class SharedClassesEvaluator(Evaluator):
    """Restricts predictions to the classes that the tested set has.

    The set reads its labels in the model's order (``classes`` of the data set
    are the model's), so images of classes that the model lacks are left out
    already. Here the scores of classes that the set lacks are put to zero and
    the rest is normalised anew before the metrics see them.

    Args:
        metrics: As in mmengine.
        shared: Names of the classes that count, among the model's.

    Raises:
        UserError: If a name is not among the model's classes.
    """

    def __init__(self, metrics: Any, shared: Sequence[str]):
        super().__init__(metrics)
        self.shared = tuple(shared)

    def process(self, data_samples: Sequence[Any], data_batch: Any = None) -> None:
        """Restrict the predictions, then pass them on."""
        index = class_index(self.dataset_meta['classes'])
        absent = [name for name in self.shared if name not in index]
        if absent:
            raise UserError(f'shared names {absent}, the classes are {", ".join(index)}')
        for sample in data_samples:
            score = sample.pred_score
            kept = torch.zeros_like(score, dtype=torch.bool)
            kept[[index[name] for name in self.shared]] = True
            score = torch.where(kept, score, 0)
            sample.set_pred_score(score / score.sum().clamp_min(1e-12))
            sample.set_pred_label(score.argmax(keepdim=True))
        super().process(data_samples, data_batch)
