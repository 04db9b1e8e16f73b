"""From the images of a batch to the tensor that a network takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dacl_mm.errors import UserError

from .memory import HOST
from .pipeline import BatchPipeline
from .threads import single_threads
from .view import View

PIECE = 16  # images of a thread at a time


@dataclass(frozen=True)
class Writer:
    """Transforms and normalises images of one size.

    Args:
        pipeline: The transforms.
        rgb: Order of the channels, else BGR.
        mean: Mean of each channel, (3, 1, 1); None leaves pixels as they are.
        std: Standard deviation, (3, 1, 1).
    """

    pipeline: BatchPipeline
    rgb: bool
    mean: Tensor | None
    std: Tensor | None

    def __call__(self, images: Tensor, keys: np.ndarray, out: Tensor) -> None:
        """Write into ``out``, float32, (n, 3, h, w).

        Args:
            images: uint8, (n, 3, H, W).
            keys: Of their random numbers, (n,).
            out: Where their pixels go.
        """
        with torch.inference_mode(out.is_inference()):  # which is a thread's own
            self.pipeline(View.of(images, self.rgb), keys).copy_to(out)
            if self.mean is not None and self.std is not None:
                _normalize(out, self.mean, self.std)


def render(
    sources: Sequence[tuple[tuple[int, ...], Tensor, np.ndarray]],
    write: Writer,
    device: torch.device,
    channels_last: bool,
) -> Tensor:
    """Compute the normalised pixels of a batch.

    Args:
        sources: For each size of image: places in the batch, images and keys.
        write: What to do to them.
        device: Where the images are.
        channels_last: Lay pixels out as (N, H, W, 3).

    Returns:
        float32, (N, 3, h, w).

    Raises:
        UserError: If the transforms make several sizes of them.
    """
    sizes = {write.pipeline.output_size((images.shape[2], images.shape[3])) for _, images, _ in sources}
    if len(sizes) > 1:
        found = ', '.join(f'{width} x {height}' for height, width in sorted(sizes))
        raise UserError(
            f'the images of a batch come out in several sizes ({found} px): end the pipeline with a crop, or '
            'with Resize'
        )
    count, size = sum(len(places) for places, *_ in sources), sizes.pop()
    out = _empty((count, 3, *size), device, channels_last)
    for places, images, keys in sources:
        whole = len(places) == count
        part = out if whole else _empty((len(places), 3, *size), device, channels_last)
        _share(write, images, keys, part)
        if not whole:
            out.index_copy_(0, torch.tensor(places).to(device, non_blocking=True), part)
    return out


def _empty(shape: tuple[int, int, int, int], device: torch.device, channels_last: bool) -> Tensor:
    count, channels, height, width = shape
    ordered = (count, height, width, channels) if channels_last else shape
    out = HOST.empty(*ordered) if device.type == 'cpu' else torch.empty(ordered, device=device)
    return out.permute(0, 3, 1, 2) if channels_last else out


def _share(write: Writer, images: Tensor, keys: np.ndarray, out: Tensor) -> None:
    """Write images of one size, on a CPU by threads of which each takes a piece at a time."""
    threads = torch.get_num_threads() if out.device.type == 'cpu' else 1
    if threads == 1:
        write(images, keys, out)
        return
    pieces = [slice(start, start + PIECE) for start in range(0, len(images), PIECE)]
    list(single_threads(threads).map(lambda piece: write(images[piece], keys[piece], out[piece]), pieces))


def _normalize(images: Tensor, mean: Tensor, std: Tensor) -> None:
    """Subtract the mean and divide by the deviation, in place, with MMPretrain's roundings."""
    rows = images.permute(0, 2, 3, 1)
    if rows.is_contiguous():  # rows of (W * 3): a loop over 3 channels would be slow
        width = rows.shape[2]
        rows.flatten(2).sub_(mean.flatten().repeat(width)).div_(std.flatten().repeat(width))
    else:
        images.sub_(mean).div_(std)
