"""Functions called in the processes of a distributed run, which exchange by Gloo."""

import os
import pickle
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tool_process import CONTEXT


def free_port() -> int:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def torchrun_variables(rank: int, size: int, port: int) -> dict[str, str]:
    """Return what torchrun sets in the environment of a process."""
    address = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    return dict(RANK=str(rank), WORLD_SIZE=str(size), LOCAL_RANK=str(rank)) | address


def _call(rank, variables, out: Path, function, args) -> None:
    with open(out.with_suffix('.txt'), 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(variables)
    torch.set_num_threads(1)
    try:
        result = function(*args)
    except Exception:
        traceback.print_exc()
        raise
    out.write_bytes(pickle.dumps(result))
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
    os._exit(0)  # Gloo's threads abort a process that exits while they live


def start_ranks(folder: Path, size: int, function: Callable, *args: Any, variables=torchrun_variables):
    """Start ``function(*args)`` in each of several processes; return them and where their output goes."""
    folder.mkdir(parents=True, exist_ok=True)
    port, outs, processes = free_port(), [folder / f'{rank}.pkl' for rank in range(size)], []
    for rank, out in enumerate(outs):
        its = variables(rank, size, port) if size > 1 else {}
        process = CONTEXT.Process(target=_call, args=(rank, its, out, function, args), daemon=False)
        process.start()
        processes.append(process)
    return processes, [out.with_suffix('.txt') for out in outs]


def end_of(processes, seconds: float) -> list[int | None]:
    """Wait for processes; return their exit codes, None where one did not end in time."""
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(0, until - time.monotonic()))
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
        process.join()
    return codes


def run_ranks(folder: Path, size: int, function: Callable, *args: Any, seconds: float = 60, **kwargs):
    """Return what ``function(*args)`` returns in each of several processes."""
    processes, logs = start_ranks(folder, size, function, *args, **kwargs)
    codes = end_of(processes, seconds)
    said = '\n'.join(log.read_text()[-2000:] for log in logs)
    assert codes == [0] * size, f'{codes}\n{said}'
    return [pickle.loads(log.with_suffix('.pkl').read_bytes()) for log in logs]
