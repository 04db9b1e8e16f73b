"""Images on their way to a model that augments them itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.registry import TRANSFORMS
from torch import Tensor
from torch.utils.data import default_collate


@TRANSFORMS.register_module()
class PackPixels(PackInputs):  # type: ignore[misc, unused-ignore]
    """MMPretrain's ``PackInputs`` in front of a ``BatchPreprocessor``.

    The image keeps its memory, (H, W, 3), and is seen as (3, H, W). The data sample carries
    ``draw`` (seed, epoch, sample, repeat) where the record has it, as in training.

    Args:
        **kwargs: Those of :class:`mmpretrain.datasets.PackInputs`.
    """

    #: It draws nothing.
    random = False

    @staticmethod
    def format_input(input_: np.ndarray) -> Tensor:
        """Return an image (H, W, 3) as a tensor (3, H, W) of the same memory."""
        return torch.from_numpy(np.ascontiguousarray(input_)).permute(2, 0, 1)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack image, labels and draw."""
        packed: dict[str, Any] = super().transform(results)
        if 'draw' in results:
            packed['data_samples'].set_field(results['draw'], 'draw', field_type='metainfo')
        return packed


@FUNCTIONS.register_module()  # type: ignore[untyped-decorator, unused-ignore]
def pixel_collate(batch: Sequence[dict[str, Any]]) -> Any:
    """Collate what :class:`PackPixels` packed: images of one size are stacked, others listed.

    One tensor passes from a loader process to the next in a fraction of the time of many.

    Returns:
        ``inputs``, (N, 3, H, W) with channels last in memory, or a list of (3, H, W); and
        ``data_samples``, a list.
    """
    images = [item['inputs'] for item in batch]
    if any(isinstance(image, list) for image in images) or len({image.shape for image in images}) > 1:
        return pseudo_collate(batch)
    stacked = default_collate([image.permute(1, 2, 0) for image in images])  # in memory that processes share
    return dict(inputs=stacked.permute(0, 3, 1, 2), data_samples=[item['data_samples'] for item in batch])
