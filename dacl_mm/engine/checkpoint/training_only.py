"""Weights that take part in the losses alone, which prediction and the best checkpoint do without."""

from collections.abc import Mapping
from typing import Any, cast

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn


def training_only(model: nn.Module) -> tuple[str, ...]:
    """Return the prefixes of the weights that only training needs.

    A module names such children in an attribute ``training_only``: DACL's head its attention and its
    centres.

    Args:
        model: The model, below any wrapper too.
    """
    return tuple(
        f'{name}.{child}.'.removeprefix('.')
        for name, module in unwrapped(model).named_modules()
        for child in getattr(module, 'training_only', ())
    )


def fill_in(model: nn.Module, checkpoint: Mapping[str, Any]) -> list[str]:
    """Give a checkpoint the model's own values for what it leaves out since only training needs it.

    Args:
        model: The model that loads it, below any wrapper too.
        checkpoint: What the file holds; changed in place.

    Returns:
        Names of the parts that it left out. One of which it holds some weight is no such part.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    own, found, absent = unwrapped(model).state_dict(), weights_of(checkpoint).keys(), []
    for prefix in training_only(model):
        its = {name: value for name, value in own.items() if name.startswith(prefix)}
        if its and not its.keys() & found:
            weights.update(its)
            absent.append(prefix.removesuffix('.'))
    return absent


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a checkpoint's state dict, without the prefix of a DDP wrapper."""
    state_dict = checkpoint.get('state_dict', checkpoint)
    return {name.removeprefix('module.'): value for name, value in state_dict.items()}


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model below DDP and test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = cast(nn.Module, model.module)
    return model
