"""Networks compiled by torch for training."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dacl_mm.errors import UserError

from .checkpoint.training_only import unwrapped


def compile_networks(model: nn.Module, options: dict[str, Any]) -> None:
    """Compile the backbone, and the attention of a head, by :func:`torch.compile`.

    Losses, centres, optimizer and hooks stay as they are. Predictions run uncompiled: they do not
    depend on shapes that a compiler chose its code for.

    Args:
        model: The model, below any wrapper too; changed in place.
        options: Arguments of :func:`torch.compile`.

    Raises:
        UserError: If the machine lacks the compiler that torch calls, or an option is unknown.
    """
    if options.get('backend', 'inductor') == 'inductor':
        require_compiler()
    model = unwrapped(model)
    head = getattr(model, 'head', None)
    for network in (model.backbone, getattr(head, 'attention', None)):
        if isinstance(network, nn.Module):
            network.forward = in_training(network, options)


def in_training(network: nn.Module, options: dict[str, Any]) -> Callable[..., Any]:
    """Return a network's forward pass: compiled while it trains."""
    eager = network.forward
    try:
        compiled = torch.compile(eager, **options)
    except (TypeError, RuntimeError) as error:
        raise UserError(f'compile={options}: torch.compile does not take this: {error}') from error

    def forward(*args: Any, **kwargs: Any) -> Any:
        return (compiled if network.training else eager)(*args, **kwargs)

    return forward


def require_compiler() -> None:
    """Refuse to compile where torch finds no C++ compiler.

    Raises:
        UserError: Names the programs that were looked for.
    """
    wanted = [os.environ['CXX']] if os.environ.get('CXX') else ['g++', 'clang++']
    if not any(shutil.which(program) for program in wanted):
        raise UserError(
            f'compile needs a C++ compiler, and {" or ".join(wanted)} cannot be found: install one '
            '(apt install g++), name it in the environment variable CXX, or leave compile out of the config'
        )
