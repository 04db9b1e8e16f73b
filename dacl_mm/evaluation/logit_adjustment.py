"""Taking the imbalance of the training classes out of the predictions, after training.

Reference: Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021, section 4.1 (post-hoc).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmpretrain.registry import EVALUATORS

#: Strengths that are tried: 0 changes nothing, 1 is the paper's.
STRENGTHS = tuple(round(0.05 * i, 2) for i in range(41))


class Trial(NamedTuple):
    """What a strength does on a part: accuracies in percent."""

    strength: float
    accuracy: float
    mean_class_accuracy: float


def adjusted(score: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """Divide class probabilities by the prior to a power, and normalise.

    Which is subtracting ``strength * log(prior)`` from the logits.

    Args:
        score: Class probabilities, (N, K) or (K,).
        prior: Share of each class in training, (K,); a class without any counts as one image would.
        strength: tau, 0 or more.
    """
    weighed = score * prior**-strength
    result: np.ndarray = weighed / weighed.sum(-1, keepdims=True)
    return result


def try_strengths(
    score: np.ndarray, label: np.ndarray, prior: np.ndarray, strengths: Sequence[float] = STRENGTHS
) -> list[Trial]:
    """Return what each strength does.

    Args:
        score: Class probabilities of a held-out part, (N, K).
        label: Its labels, (N,).
        prior: Share of each class in training, (K,).
        strengths: Those to try.
    """
    trials = []
    for strength in strengths:
        correct = adjusted(score, prior, strength).argmax(1) == label
        recall = [correct[label == k].mean() for k in np.unique(label)]
        trials.append(Trial(strength, 100 * float(correct.mean()), 100 * float(np.mean(recall))))
    return trials


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the greatest strength whose accuracy is not below that of the first trial, strength 0."""
    return max(trial for trial in trials if trial.accuracy >= trials[0].accuracy)


class StrengthMetric(BaseMetric):
    """Chooses the strength on the part that it is evaluated on.

    Args:
        prior: Share of each class in training, (K,).

    Attributes:
        trials: What each strength did; empty on other ranks than the first.
    """

    default_prefix = 'logit_adjustment'

    def __init__(self, prior: np.ndarray) -> None:
        super().__init__()
        self.prior = prior
        self.trials: list[Trial] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep score (K,) and label of each sample."""
        for sample in data_samples:
            self.results.append((sample['pred_score'].float().cpu().numpy(), int(sample['gt_label'])))

    def compute_metrics(self, results: list[tuple[np.ndarray, int]]) -> dict[str, float]:
        """Return the chosen ``strength``."""
        score, label = np.stack([s for s, _ in results]), np.array([y for _, y in results])
        self.trials = try_strengths(score, label, self.prior)
        return dict(strength=choose(self.trials).strength)


@EVALUATORS.register_module()
class LogitAdjustedEvaluator(Evaluator):
    """Adjusts predictions before the metrics see them.

    Args:
        metrics: As in mmengine.
        prior: Share of each class in training, (K,).
        strength: tau.
    """

    def __init__(self, metrics: Any, prior: np.ndarray, strength: float) -> None:
        super().__init__(metrics)
        self.prior = prior
        self.strength = strength

    def process(self, data_samples: Sequence[Any], data_batch: Any = None) -> None:
        """Adjust the predictions, then pass them on."""
        for sample in data_samples:
            score = adjusted(sample.pred_score.double().cpu().numpy(), self.prior, self.strength)
            sample.set_pred_score(torch.from_numpy(score).to(sample.pred_score))
            sample.set_pred_label(sample.pred_score.argmax(keepdim=True))
        super().process(data_samples, data_batch)

    def evaluate(self, size: int) -> dict[str, Any]:
        """Return the metrics, and the strength among them."""
        return {**super().evaluate(size), 'logit_adjustment/strength': self.strength}
