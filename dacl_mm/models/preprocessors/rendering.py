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

#: (n, 3, H, W), or as many (3, H, W).
Images = Tensor | Sequence[Tensor]
PIECE = 16  # images that a thread takes at a time


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

    def __call__(self, images: Images, keys: np.ndarray, out: Tensor) -> None:
        """Write into ``out``, float32, (n, 3, h, w).

        Args:
            images: BGR, uint8.
            keys: Of their random numbers, (n,).
            out: Where their pixels go.

        Raises:
            UserError: If the images are of another type or shape.
        """
        with torch.inference_mode(out.is_inference()):  # which is a thread's own
            loaded = _load(images, out.device)
            # Two flips of whole rows take a quarter of the time of one of the channels.
            ordered = loaded.flip((1, 3)).flip(3) if self.rgb else loaded
            self.pipeline(View.of(ordered, self.rgb), keys).copy_to(out)
            if self.mean is not None and self.std is not None:
                _normalize(out, self.mean, self.std)


def render(
    sources: Sequence[tuple[tuple[int, ...], Images, np.ndarray]],
    write: Writer,
    device: torch.device,
    channels_last: bool,
) -> Tensor:
    """Compute the normalised pixels of a batch.

    Args:
        sources: For each size of image: places in the batch, images and keys.
        write: What to do to them.
        device: That of the model.
        channels_last: Lay pixels out as (N, H, W, 3).

    Returns:
        float32, (N, 3, h, w).

    Raises:
        UserError: If the transforms make several sizes of them.
    """
    sizes = {write.pipeline.output_size((images[0].shape[1], images[0].shape[2])) for _, images, _ in sources}
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


def _load(images: Images, device: torch.device) -> Tensor:
    """Move images to the device, channels last: as they come from a decoder, as resizing is fast."""
    if not isinstance(images, Tensor):
        images = torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
    if images.dtype != torch.uint8 or images.shape[1] != 3:
        raise UserError(
            f'expected images of uint8, (3, H, W), got {images.dtype} of shape {tuple(images.shape[1:])}'
        )
    return images.to(device, non_blocking=True, memory_format=torch.channels_last)


def _empty(shape: tuple[int, int, int, int], device: torch.device, channels_last: bool) -> Tensor:
    count, channels, height, width = shape
    ordered = (count, height, width, channels) if channels_last else shape
    out = HOST.empty(*ordered) if device.type == 'cpu' else torch.empty(ordered, device=device)
    return out.permute(0, 3, 1, 2) if channels_last else out


def _share(write: Writer, images: Images, keys: np.ndarray, out: Tensor) -> None:
    """Write images of one size, on a CPU in pieces that its cache holds, each by one thread."""
    if out.device.type != 'cpu':
        write(images, keys, out)
        return

    def write_piece(start: int) -> None:
        piece = slice(start, start + PIECE)
        write(images[piece], keys[piece], out[piece])

    threads, starts = torch.get_num_threads(), range(0, len(images), PIECE)
    list(map(write_piece, starts) if threads == 1 else single_threads(threads).map(write_piece, starts))


def _normalize(images: Tensor, mean: Tensor, std: Tensor) -> None:
    """Subtract the mean and divide by the deviation, in place, with MMPretrain's roundings."""
    rows = images.permute(0, 2, 3, 1)
    if rows.is_contiguous():  # rows of (W * 3): a loop over 3 channels would be slow
        width = rows.shape[2]
        rows.flatten(2).sub_(mean.flatten().repeat(width)).div_(std.flatten().repeat(width))
    else:
        images.sub_(mean).div_(std)
