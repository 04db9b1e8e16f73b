"""The best time that arithmetic and memory allow, and what a job waits for most.

Reference: Williams, Waterman & Patterson, Roofline: An Insightful Visual Performance Model for Multicore
Architectures, CACM 2009.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.modules.module import register_module_forward_hook
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from .machine import Machine
from .timing import DEVICE, Job, seconds

ARITHMETIC, BANDWIDTH, INPUT, PYTHON = 'arithmetic', 'memory bandwidth', 'input', 'Python'


class Work(NamedTuple):
    """What a job cannot do without, whatever the implementation.

    Args:
        flops: Of matrix products and convolutions.
        weights: Bytes of weights, read and written. A training step reads them in both directions,
            writes and reads their gradients, and its optimizer reads and writes them and its state.
        activations: Bytes kept for the backward pass, written, and read by it.
    """

    flops: float
    weights: float
    activations: float

    def best(self, machine: Machine, narrow: bool = False) -> tuple[float, str]:
        """Return the seconds that it takes at least, and which side of the roofline says so.

        Args:
            machine: Rates of the machine.
            narrow: Compute, and keep activations, in 16 bits.
        """
        arithmetic = self.flops / (machine.bfloat16 if narrow else machine.float32)
        traffic = self.weights + (self.activations / 2 if narrow else self.activations)
        return max((arithmetic, ARITHMETIC), (traffic / machine.bandwidth, BANDWIDTH))


def count_work(job: Job, optimizer: Optimizer | None = None) -> Work:
    """Run a job of float32 once and count.

    Args:
        job: A training step, or a prediction.
        optimizer: The step's, after a first step.
    """
    read: set[Tensor] = set()
    kept: dict[int, int] = {}  # address -> bytes

    def note(module: nn.Module, *_: Any) -> None:
        read.update(module.parameters(recurse=False))

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    hook = register_module_forward_hook(note)
    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(keep, lambda tensor: tensor):
        job()
    hook.remove()
    weights = size(read)
    activations = sum(kept.values()) - sum(kept.get(p.data_ptr(), 0) for p in read)
    if optimizer is None:
        return Work(counter.get_total_flops(), weights, activations)
    state = [value for entry in optimizer.state.values() for value in entry.values()]
    state_size = size(value for value in state if isinstance(value, Tensor))
    return Work(counter.get_total_flops(), 6 * weights + 2 * state_size, 2 * activations)


def size(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of tensors."""
    return sum(tensor.nbytes for tensor in tensors)


def limit(job: Job, side: str) -> str:
    """Return 'Python' where operators run less than half of a job's time, else the roofline's side."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if DEVICE == 'cuda' else [])]
    with quiet(), profile(activities=activities) as profiled:
        total = seconds(job)
    if DEVICE == 'cuda':  # kernels; the operators that launch them hold their time once more
        kernels = [event for event in profiled.key_averages() if event.device_type.name == 'CUDA']
        busy = sum(event.self_device_time_total for event in kernels if not event.is_user_annotation)
    else:  # an optimizer's own entry spans its Python
        events = [event for event in profiled.key_averages() if not event.key.startswith('Optimizer.')]
        busy = sum(event.self_cpu_time_total for event in events)
    return PYTHON if busy / 1e6 < total / 2 else side


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what libraries below Python write to stderr, as the profiler's does at each start and end."""
    kept = os.dup(2)
    with open(os.devnull, 'wb') as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
