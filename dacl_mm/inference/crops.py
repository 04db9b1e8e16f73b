"""Images of a data set as they are, before its pipeline."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import track

from dacl_mm.config import data_sets


class SampledCrops:
    """Some images of a data set, drawn without replacement.

    Args:
        dataset: Config of a data set; of one that wraps others, the first inside counts.
        count: Images to draw; all, where there are fewer.
        seed: Of the draw.

    Raises:
        DatasetError: If the data set cannot be read.
    """

    def __init__(self, dataset: ConfigDict, count: int, seed: int = 0) -> None:
        init_default_scope('mmpretrain')
        options = {key: value for key, value in next(data_sets(dataset)).items() if key != 'storage'}
        options |= dict(pipeline=options['pipeline'][:1], test_mode=True)  # what reads or draws them
        self._dataset: Any = DATASETS.build(options)
        total = len(self._dataset)
        drawn = np.random.default_rng(seed).choice(total, min(count, total), replace=False)
        self.index: list[int] = sorted(drawn.tolist())

    def __len__(self) -> int:
        return len(self.index)

    def images(self, what: str) -> Iterator[np.ndarray]:
        """Yield RGB images, uint8, (H, W, 3), under a progress bar that says what is done with them."""
        console = Console(stderr=True)
        for i in track(self.index, what, console=console, disable=not console.is_terminal, transient=True):
            yield np.ascontiguousarray(self._dataset[i]['img'][..., ::-1])

    def names(self) -> list[str]:
        """Return the name of each image's class."""
        classes = self._dataset.metainfo['classes']
        return [classes[int(self._dataset.get_gt_labels()[i])] for i in self.index]
