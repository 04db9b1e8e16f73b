"""What finished runs say together."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from dacl_mm.comparison.plan.runs import Run
from dacl_mm.comparison.run.record import read_predictions
from dacl_mm.files import digest

from .pairs import Difference, adjust, compare_pair
from .strata import METRICS

#: What a result says of a method's cost.
COSTS = (
    'train_parameters',
    'deploy_parameters',
    'deploy_flops',
    'images_per_second',
    'seconds_per_epoch',
    'peak_memory',
)


@dataclass
class Finished:
    """A finished run with its predictions on the test split."""

    run: Run
    result: dict[str, Any]

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of predictions.npz (see :class:`PredictionRecordHook`)."""
        return read_predictions(self.run.folder)

    @property
    def images(self) -> str:
        """Name what was tested: runs count together where this is the same."""
        return digest([*map(str, self.arrays['path']), self.label.tobytes()])

    @property
    def selection_metric(self) -> str:
        """The validation metric that selected the epoch."""
        return str(self.result.get('selection_metric', 'accuracy/top1'))

    @property
    def selection_values(self) -> np.ndarray:
        """The metric that selected the epoch, after each validation, (E,); NaN where it is missing."""
        rows = self.result['validation']
        return np.array([row.get(self.selection_metric) for row in rows], float)

    @property
    def label(self) -> np.ndarray:
        """Labels, (N,)."""
        return self.arrays['label']

    @property
    def prediction(self) -> np.ndarray:
        """Predicted classes, (N,)."""
        return np.asarray(self.arrays['score'].argmax(1))

    @property
    def correct(self) -> np.ndarray:
        """Whether each image was right, (N,)."""
        return np.asarray(self.prediction == self.label)

    @cached_property
    def class_means(self) -> np.ndarray:
        """Return the mean embedding of each class that has images, (K', d)."""
        embedding = self.arrays['embedding'].astype(np.float32)
        return np.stack([embedding[self.label == k].mean(0) for k in np.unique(self.label)])

    @cached_property
    def distances(self) -> tuple[float, float]:
        """Return mean Euclidean distances: image to the mean of its class, and between class means."""
        embedding = self.arrays['embedding'].astype(np.float32)
        _, which = np.unique(self.label, return_inverse=True)
        intra = np.linalg.norm(embedding - self.class_means[which], axis=1).mean()
        gaps = np.linalg.norm(self.class_means[:, None] - self.class_means[None], axis=2)
        return float(intra), float(gaps[np.triu_indices(len(gaps), 1)].mean())

    def metric(self, name: str) -> float:
        """Return a test metric in percent: 'accuracy' or a name of :class:`FERMetric`."""
        key = 'accuracy/top1' if name == 'accuracy' else f'fer/{name}'
        return float(self.result['metrics'][key])


@dataclass
class ProtocolResults:
    """All runs of one protocol.

    Attributes:
        protocol: One of :data:`PROTOCOLS`.
        methods: Names, in the order of the report; the first is the baseline.
        finished: Method -> its finished runs by seed.
        failed: Method -> seed -> why the run does not count: ``status`` (None where the
            process ended well) and ``log_end``.
    """

    protocol: str
    methods: list[str]
    finished: dict[str, dict[int, Finished]]
    failed: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict[str, Any])

    def runs(self, method: str) -> list[Finished]:
        """Return a method's finished runs in the order of the seeds."""
        return [run for _, run in sorted(self.finished[method].items())]

    def values(self, method: str, metric: str) -> list[float]:
        """Return a metric of each finished seed, in percent."""
        return [run.metric(metric) for run in self.runs(method)]

    @property
    def present(self) -> list[str]:
        """Methods with a finished run."""
        return [method for method in self.methods if self.finished[method]]

    @cached_property
    def any_run(self) -> Finished:
        """Return one finished run: test images and classes are those of all."""
        return self.runs(self.present[0])[0]

    @property
    def classes(self) -> list[str]:
        """Class names in the models' order."""
        return list(self.any_run.result['classes'])

    @cached_property
    def differences(self) -> dict[str, list[Difference]]:
        """Compare all pairs: metric -> differences, each method minus an earlier one.

        P-values are corrected over pairs and metrics: whichever is found is reported.
        """
        pairs = [self._pair(b, a, metric) for metric in METRICS for a, b in combinations(self.present, 2)]
        found = adjust([pair for pair in pairs if pair is not None])
        return {metric: [d for d in found if d.metric == metric] for metric in METRICS}

    def _pair(self, a: str, b: str, metric: str) -> Difference | None:
        seeds = sorted(self.finished[a].keys() & self.finished[b].keys())
        if not seeds:
            return None
        right = [np.stack([self.finished[m][s].correct for s in seeds]) for m in (a, b)]
        return compare_pair((a, b), (right[0], right[1]), self.any_run.label, metric)

    def against_baseline(self, metric: str) -> list[Difference]:
        """Return the differences of each method to the first."""
        return [d for d in self.differences[metric] if d.b == self.present[0]]

    def confusion(self, method: str) -> np.ndarray:
        """Sum the confusion matrices over seeds, (K, K): row = label."""
        k = len(self.classes)
        counts = np.zeros((k, k), int)
        for run in self.runs(method):
            np.add.at(counts, (run.label, run.prediction), 1)
        return counts
