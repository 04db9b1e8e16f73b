"""Whether confidence means what it says: against votes, and after fitting a temperature."""

from typing import NamedTuple

import numpy as np

from dacl_mm.errors import UserError

#: Probabilities are taken as at least this: the smallest that float32 holds.
LEAST = float(np.finfo(np.float32).tiny)
#: Bounds between which a temperature is looked for.
TEMPERATURES = (0.05, 20.0)


def vote_nll(score: np.ndarray, votes: np.ndarray) -> float:
    """Mean negative log-likelihood of the votes in nats: ``-mean_n sum_k q_nk log p_nk``.

    Its least possible value is the mean entropy of the votes, not 0.

    Args:
        score: Class probabilities p, (N, K).
        votes: Shares of the votes q, (N, K), rows of sum 1.
    """
    log_p = np.log(np.maximum(np.asarray(score, float), LEAST))
    return float(-(votes * log_p).sum(1).mean())


def entropy(shares: np.ndarray) -> np.ndarray:
    """Return ``-sum_k p_k log p_k`` of each row in nats, (N,), for shares (N, K)."""
    p = np.asarray(shares, float)
    return np.asarray(-(p * np.log(np.maximum(p, LEAST))).sum(1))


def entropy_correlation(score: np.ndarray, votes: np.ndarray) -> float:
    """Spearman's rank correlation of a prediction's entropy with that of the votes, in [-1, 1].

    1 if the model is undecided where the voters were; ties share the mean of their ranks. NaN where
    either entropy is the same for all images.

    Args:
        score: Class probabilities, (N, K).
        votes: Shares of the votes, (N, K), rows of sum 1.
    """
    from scipy.stats import spearmanr  # here, since it takes long to import, and many never evaluate

    # Votes of one count in another order have one entropy: rounding must not part them.
    pair = [entropy(shares).round(9) for shares in (score, votes)]
    if any(np.ptp(values) == 0 for values in pair):
        return float('nan')
    return float(spearmanr(*pair).statistic)


def tempered(log_probs: np.ndarray, temperature: float) -> np.ndarray:
    """Return ``softmax(log_probs / temperature)``, (N, K); logits will do for log-probabilities."""
    return np.asarray(np.exp(_log_softmax(np.asarray(log_probs, float) / temperature)))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def fit_temperature(log_probs: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature T under which ``softmax(log_probs / T)`` gives the labels the least mean NLL.

    No class changes its rank. Guo et al., On Calibration of Modern Neural Networks, ICML 2017,
    section 4.2.

    Args:
        log_probs: Log-probabilities or logits of held-out images, (N, K).
        labels: Their classes, (N,).

    Returns:
        T within :data:`TEMPERATURES`.

    Raises:
        UserError: If there are no images, or a number is not finite.
    """
    from scipy.optimize import minimize_scalar

    log_probs = np.asarray(log_probs, float)
    if not len(log_probs) or not np.isfinite(log_probs).all():
        raise UserError(
            f'a temperature is fitted to finite log-probabilities, got {len(log_probs)} images, '
            f'{int((~np.isfinite(log_probs)).any(1).sum())} of them with other numbers'
        )
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-_log_softmax(log_probs * np.exp(-log_temperature))[rows, labels].mean())

    # Convex in 1 / T, so it has one minimum in log T too.
    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method='bounded')
    return float(np.exp(found.x))


class Unsure(NamedTuple):
    """A confidence under which a prediction is called unsure.

    Attributes:
        threshold: Predictions of at least this confidence count as sure.
        coverage: Share of the images that are sure.
        accuracy: Share of the sure images that are right.
        table: Rows (threshold, coverage, accuracy) of every threshold that could be chosen, (M, 3),
            coverage falling.
    """

    threshold: float
    coverage: float
    accuracy: float
    table: np.ndarray


def unsure_threshold(confidence: np.ndarray, right: np.ndarray, accuracy: float = 0.9) -> Unsure:
    """Choose the lowest confidence above which predictions are accurate enough, on held-out images.

    Args:
        confidence: Probability of the predicted class, (N,).
        right: Whether the prediction is right, (N,).
        accuracy: What the sure images must reach together, in (0, 1].

    Raises:
        UserError: If no threshold does.
    """
    order = np.argsort(-np.asarray(confidence, float), kind='stable')
    sorted_confidence = np.asarray(confidence, float)[order]
    count = np.arange(1, len(order) + 1)
    share = np.cumsum(np.asarray(right, float)[order]) / count
    last = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)  # equal ones go together
    table = np.stack([sorted_confidence, count / max(len(order), 1), share], 1)[last[: len(order)]]
    good = np.flatnonzero(table[:, 2] >= accuracy)
    if not len(good):
        best = 100 * table[:, 2].max(initial=0)
        raise UserError(
            f'no confidence makes predictions right in {100 * accuracy:g} % of {len(order)} images; the most '
            f'that one reaches is {best:.1f} %: ask for less'
        )
    threshold, coverage, reached = table[good[-1]].tolist()
    return Unsure(threshold, coverage, reached, table[::-1])
