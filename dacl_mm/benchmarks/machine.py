"""What the machine can do at most: the two lines of its roofline."""

from functools import partial
from typing import NamedTuple

import torch

from .timing import DEVICE, Job, seconds

REPEATS = 15  # other work on the machine disturbs some
SIDE = 8192 if DEVICE == 'cuda' else 2048  # of the multiplied matrices
NUMBERS = 2**28 if DEVICE == 'cuda' else 2**26  # float32, copied


class Machine(NamedTuple):
    """Highest rates found.

    Args:
        float32: FLOP/s of a matrix product; on a GPU in TensorFloat-32, in which cuDNN convolves.
        bfloat16: FLOP/s of a matrix product.
        bandwidth: Bytes/s, read and written, of a copy in memory.
    """

    float32: float
    bfloat16: float
    bandwidth: float


def measure_machine() -> Machine:
    """Measure this machine; takes seconds."""
    precision = torch.get_float32_matmul_precision()
    if DEVICE == 'cuda':
        torch.set_float32_matmul_precision('high')
    products = []
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.randn(SIDE, SIDE, device=DEVICE, dtype=dtype)
        b = torch.empty_like(a)
        products.append(2 * SIDE**3 / best(partial(torch.mm, a, a, out=b)))
    torch.set_float32_matmul_precision(precision)
    source = torch.ones(NUMBERS, device=DEVICE)
    target = torch.zeros_like(source)
    return Machine(products[0], products[1], 2 * source.nbytes / best(lambda: target.copy_(source)))


def best(job: Job) -> float:
    """Return the shortest of some times, in seconds; a first call warms up."""
    return min([seconds(job) for _ in range(REPEATS + 1)][1:])
