"""How the processes of a run end when one of them fails."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from mmengine.dist import get_dist_info

from dacl_mm.errors import UserError


@contextmanager
def lost_processes() -> Iterator[None]:
    """Explain a process that did not reach the others, or does not any more.

    Raises:
        UserError: In place of the error of torch, Gloo or NCCL.
    """
    try:
        yield
    except RuntimeError as error:
        # Gloo raises plain RuntimeErrors, which name its source files.
        if not isinstance(error, torch.distributed.DistError) and '/gloo/' not in str(error):
            raise
        reason = str(error).splitlines()[0]
        if not torch.distributed.is_initialized():
            raise UserError(
                f'the processes of the run did not find each other ({reason}): MASTER_ADDR must be the host '
                'of the first one, and MASTER_PORT a port that nobody else uses there'
            ) from error
        rank, size = get_dist_info()
        raise UserError(
            f'process {rank} of {size} lost another one, which failed or was killed: its own message, or '
            f"torchrun's summary, tells why ({reason}). --resume goes on from the last checkpoint"
        ) from error


def leave(status: int) -> NoReturn:
    """End this process with a status, also amid communication.

    A process that exits while Gloo's threads live aborts itself, which hides the status
    (pytorch/pytorch#179291). Its loader processes would outlive it, and hold its locks.
    """
    if not torch.distributed.is_initialized():
        sys.exit(status)
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
