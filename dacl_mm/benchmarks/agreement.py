"""Whether a faster training or test predicts the same classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.evaluator import BaseMetric

from dacl_mm.engine.launch import build_runner, train

from .session import apart
from .setting import Setting
from .table import Row
from .variants import variant_configs

EPOCHS = 3


def agreement(setting: Setting) -> list[Row]:
    """Share of test images that each variant assigns to the class that 'exact' does, with its weights."""
    cfg = apart(setting.config(epochs=EPOCHS), setting.folder)
    train(cfg)
    checkpoint = Path(cfg.work_dir) / f'epoch_{EPOCHS}.pth'
    exact, *others = variant_configs(setting).items()
    return [
        Row(f'agreement: {name}', [100 * top1_agreement(exact[1], other, checkpoint, setting.folder)], '%')
        for name, other in others
    ]


def top1_agreement(a: Config, b: Config, checkpoint: Path, folder: Path) -> float:
    """Return the share of test images to which two configs assign one class, in [0, 1].

    Args:
        a: Complete config.
        b: Another one, with the same test images.
        checkpoint: Weights of both.
        folder: Gets logs and predictions.
    """
    first, second = (predictions(cfg, checkpoint, folder) for cfg in (a, b))
    return sum(second[image] == label for image, label in first.items()) / len(first)


def predictions(cfg: Config, checkpoint: Path, folder: Path) -> dict[str, int]:
    """Return path -> predicted class of a config's test images."""
    cfg = apart(cfg, folder)
    cfg.load_from = str(checkpoint)
    runner = build_runner(cfg)
    kept = KeepPredictions()
    runner.test_evaluator.metrics.append(kept)
    runner.test()
    return kept.labels


class KeepPredictions(BaseMetric):
    """Keeps the predicted class of each image, by path: ``labels``."""

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep those of a batch."""
        self.results += [(sample['img_path'], int(sample['pred_label'])) for sample in data_samples]

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Close the account."""
        self.labels: dict[str, int] = dict(results)
        return {}
