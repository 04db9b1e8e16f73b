"""What each process of a training holds beside the model and the optimizer."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from dacl_mm.models.losses.center_loss import center_losses


def process_state(runner: Runner) -> dict[str, Any]:
    """Return the random states, the buffers, and the sums of an optimizer step that is not finished.

    Buffers differ between processes until SyncBuffersHook averages them.
    """
    model = _inner(runner)
    state: dict[str, Any] = dict(random=random_state(), buffers=dict(model.named_buffers()))
    if not runner.optim_wrapper.should_update():
        state['gradients'] = {
            name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None
        }
        state['center_sums'] = [loss.step_sums for loss in center_losses(model)]
    return state


def restore_process(runner: Runner, state: Mapping[str, Any]) -> None:
    """Take over the values of :func:`process_state`."""
    model = _inner(runner)
    for name, buffer in model.named_buffers():
        if name in state['buffers']:
            buffer.copy_(state['buffers'][name])
    for name, parameter in model.named_parameters():
        if name in state.get('gradients', {}):
            parameter.grad = state['gradients'][name].to(parameter).clone()
    for loss, sums in zip(center_losses(model), state.get('center_sums', ())):
        loss.step_sums = sums
    set_random_state(state['random'])


def random_state() -> dict[str, Any]:
    """Return the states of the global generators of random, numpy and torch, as plain types."""
    version, words, following = random.getstate()
    kind, keys, *rest = np.random.get_state()
    state = dict(
        python=(version, torch.tensor(words), following),
        numpy=(kind, torch.from_numpy(np.asarray(keys, np.int64)), *rest),
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Set the generators of :func:`random_state`."""
    version, words, following = state['python']
    random.setstate((version, tuple(words.tolist()), following))
    kind, keys, *rest = state['numpy']
    np.random.set_state((kind, keys.cpu().numpy(), *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


def _inner(runner: Runner) -> nn.Module:
    model: nn.Module = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return model
