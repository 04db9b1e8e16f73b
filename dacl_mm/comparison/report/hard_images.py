"""Test images that models get wrong."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from PIL import Image

from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.comparison.plan.methods import Method
from dacl_mm.config.device_pipeline import device_transforms
from dacl_mm.models.preprocessors.pipeline import transformed

from .folder import PictureFolder

NUM_HARD, SIDE = 12, 112


class HardImage(NamedTuple):
    """A test image, and which runs get it wrong.

    ``predicted`` is the wrong class of the highest mean score over all runs, and
    ``confidence`` that score in percent; ``wrong`` says of each method how many of its
    runs err.
    """

    data_uri: str
    path: str
    label: str
    predicted: str
    confidence: float
    wrong: str


def hard_images(
    results: ProtocolResults, method: Method, folder: PictureFolder
) -> dict[str, list[HardImage]]:
    """Pick the test images that most runs get wrong, and those that are wrong with most confidence.

    Their pictures are also saved in the folder.
    """
    runs = [run for name in results.present for run in results.runs(name)]
    label = results.any_run.label
    score = np.mean([run.arrays['score'] for run in runs], 0)  # (N, K)
    wrong = np.sum([~run.correct for run in runs], 0)  # (N,)
    others = score.copy()
    others[np.arange(len(label)), label] = 0
    own = score[np.arange(len(label)), label]
    orders = {
        'hardest': np.lexsort((own, -wrong))[:NUM_HARD],
        'most confidently wrong': np.argsort(-others.max(1), kind='stable')[:NUM_HARD],
    }
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(method.cfg.test_dataloader.dataset)
    transforms = device_transforms(method.cfg)
    found: dict[str, list[HardImage]] = {}
    for title, order in orders.items():
        found[title] = []
        for rank, i in enumerate(order, 1):
            item = dataset[int(i)]
            png = _png(transformed(transforms, item['inputs'], item['data_samples']).numpy())
            folder.save(f'{title.replace(" ", "_")}_{rank:02}.png', png)
            image = HardImage(
                data_uri='data:image/png;base64,' + base64.b64encode(png).decode(),
                path=Path(str(results.any_run.arrays['path'][i])).name,
                label=results.classes[label[i]],
                predicted=results.classes[int(others[i].argmax())],
                confidence=100 * float(others[i].max()),
                wrong=_who_errs(results, i),
            )
            found[title].append(image)
    return found


def _who_errs(results: ProtocolResults, i: int) -> str:
    counts = []
    for method in results.present:
        correct = [run.correct[i] for run in results.runs(method)]
        counts.append(f'{method} {len(correct) - sum(correct)} of {len(correct)}')
    return 'runs wrong: ' + ', '.join(counts)


def _png(pixels: np.ndarray) -> bytes:
    """Return a model's input, BGR, (3, H, W), as a PNG file."""
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[::-1].transpose(1, 2, 0)))
    image.resize((SIDE, SIDE)).save(file, 'PNG')
    return file.getvalue()
