"""From views of a batch to the tensor that a network takes."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from dacl_mm.errors import UserError

from .memory import HOST
from .threads import single_threads
from .view import View

PIECE = 16  # images of a thread at a time


def render(
    views: Mapping[tuple[int, ...], View],
    device: torch.device,
    channels_last: bool,
    mean: Tensor | None,
    std: Tensor | None,
) -> Tensor:
    """Compute the normalised pixels of a batch.

    Args:
        views: Places in the batch -> their samples.
        device: Where their images are.
        channels_last: Lay pixels out as (N, H, W, 3).
        mean: Mean of each channel, (3, 1, 1); None leaves pixels as they are.
        std: Standard deviation, (3, 1, 1).

    Returns:
        float32, (N, 3, h, w).

    Raises:
        UserError: If the views are of several sizes.
    """
    sizes = {view.size for view in views.values()}
    if len(sizes) > 1:
        found = ', '.join(f'{width} x {height}' for height, width in sorted(sizes))
        raise UserError(
            f'the images of a batch come out in several sizes ({found} px): end the pipeline with a crop, or '
            'with Resize'
        )
    count, size = sum(map(len, views)), sizes.pop()
    out = _empty((count, 3, *size), device, channels_last)
    for places, view in views.items():
        whole = len(places) == count
        part = out if whole else _empty((len(places), 3, *size), device, channels_last)
        _write(view, part, mean, std)
        if not whole:
            out.index_copy_(0, torch.tensor(places).to(device, non_blocking=True), part)
    return out


def _empty(shape: tuple[int, int, int, int], device: torch.device, channels_last: bool) -> Tensor:
    count, channels, height, width = shape
    ordered = (count, height, width, channels) if channels_last else shape
    out = HOST.empty(*ordered) if device.type == 'cpu' else torch.empty(ordered, device=device)
    return out.permute(0, 3, 1, 2) if channels_last else out


def _write(view: View, out: Tensor, mean: Tensor | None, std: Tensor | None) -> None:
    """Compute the pixels of a view, (n, 3, h, w), on a CPU by threads of which each takes a piece."""
    write = partial(_write_piece, mean=mean, std=std)
    threads = torch.get_num_threads() if out.device.type == 'cpu' else 1
    if threads == 1:
        write(view, out)
    else:
        list(single_threads(threads).map(write, view.split(PIECE), torch.split(out, PIECE)))


def _write_piece(view: View, out: Tensor, mean: Tensor | None, std: Tensor | None) -> None:
    with torch.inference_mode(out.is_inference()):  # which is a thread's own
        view.copy_to(out)
        if mean is not None and std is not None:
            _normalize(out, mean, std)


def _normalize(images: Tensor, mean: Tensor, std: Tensor) -> None:
    """Subtract the mean and divide by the deviation, in place, with MMPretrain's roundings."""
    rows = images.permute(0, 2, 3, 1)
    if rows.is_contiguous():  # rows of (W * 3): a loop over 3 channels would be slow
        width = rows.shape[2]
        rows.flatten(2).sub_(mean.flatten().repeat(width)).div_(std.flatten().repeat(width))
    else:
        images.sub_(mean).div_(std)
