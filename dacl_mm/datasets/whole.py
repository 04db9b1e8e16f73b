"""The pixels of a whole data set, for a model that keeps them on its device."""

from typing import Any

import torch
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .base import FERDataset
from .packing import PackPixels, pixel_collate


def loads_alone(dataset: FERDataset) -> bool:
    """Return whether a data set's pipeline only loads images and packs them for the device."""
    transforms = dataset.pipeline.transforms
    return (
        bool(transforms)
        and isinstance(transforms[-1], PackPixels)
        and not any(getattr(transform, 'random', True) for transform in transforms)
    )


class _Pixels(Dataset[dict[str, Any]]):
    """The items of a data set, without a visit of it."""

    def __init__(self, dataset: FERDataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item: dict[str, Any] = self.dataset.pipeline(self.dataset.get_data_info(index))
        return item


def image_shape(dataset: FERDataset) -> tuple[int, int]:
    """Return height and width of the first image in pixels."""
    _, height, width = _Pixels(dataset)[0]['inputs'].shape
    return height, width


def all_pixels(dataset: FERDataset, workers: int) -> Tensor | None:
    """Read every image of a data set, BGR, uint8, (N, H, W, 3); None if there are several sizes.

    Args:
        dataset: One that :func:`loads_alone`.
        workers: Loader processes.

    Raises:
        UnreadableImageError: If an image cannot be read.
    """
    pixels = torch.empty(len(dataset), *image_shape(dataset), 3, dtype=torch.uint8)
    start = 0
    loader = DataLoader(
        _Pixels(dataset),
        64,
        num_workers=workers,
        collate_fn=pixel_collate,
        generator=torch.Generator(),  # the global one is the training's
    )
    for batch in loader:
        images = batch['inputs']
        if not isinstance(images, Tensor) or images.shape[2:] != pixels.shape[1:3]:
            return None
        pixels[start : start + len(images)] = images.permute(0, 2, 3, 1)
        start += len(images)
    return pixels


@TRANSFORMS.register_module()
class PackIndex(PackPixels):
    """Pack the place of an image among those on the device, in the place of its pixels.

    Args:
        part: Which data set of the device.
        **kwargs: Those of :class:`PackPixels`.
    """

    def __init__(self, part: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.part = part

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack part and index, int64, (2,), with labels and draw."""
        packed = super().transform(results)
        packed['inputs'] = torch.tensor([self.part, results['sample_idx']])
        return packed


def hand_on_indices(dataset: FERDataset, part: int) -> None:
    """Let a data set that :func:`loads_alone` yield the places of its images from now on."""
    pack = dataset.pipeline.transforms[-1]
    keys = dict(algorithm_keys=pack.algorithm_keys, meta_keys=pack.meta_keys)
    dataset.pipeline = Compose([PackIndex(part, **keys)])
