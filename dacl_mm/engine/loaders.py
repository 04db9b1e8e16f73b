"""Loaders whose processes and random numbers are apart from the training's."""

import os
import signal
import threading
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner


def set_apart(runner: Runner) -> None:
    """Keep the loaders of training and validation from what a resumption could not repeat.

    Each start of a loader would draw from the global generator, and a resumed run starts it anew.
    """
    word = np.random.SeedSequence([runner.seed, runner.iter]).generate_state(1)[0]
    for loader in (runner.train_dataloader, *([runner.val_dataloader] if runner.val_loop else [])):
        loader.generator = torch.Generator().manual_seed(int(word))
        loader.worker_init_fn = Shielded(loader.worker_init_fn)


class Shielded:
    """A ``worker_init_fn`` that leaves the signals of a whole process group to the training process.

    A batch scheduler signals all processes of a job, a terminal all in the foreground: loader processes
    that ended by that would take the running step with them.

    Args:
        inner: The loader's own function, or None.
    """

    def __init__(self, inner: Any):
        self.inner = inner

    def __call__(self, worker: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if hasattr(signal, 'sigwaitinfo'):  # not on macOS
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            threading.Thread(target=_end_with_parent_alone, args=(os.getppid(),), daemon=True).start()
        if self.inner is not None:
            self.inner(worker)


def _end_with_parent_alone(parent: int) -> None:
    while True:
        if signal.sigwaitinfo({signal.SIGTERM}).si_pid == parent:  # multiprocessing's terminate()
            os._exit(0)
