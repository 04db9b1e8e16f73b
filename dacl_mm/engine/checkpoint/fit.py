"""Whether a checkpoint fits the model, the data and the config that it meets."""

from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from torch import nn

from dacl_mm.config import data_sets
from dacl_mm.errors import UserError
from dacl_mm.text import printable

from .training_only import training_only, unwrapped, weights_of


def classes_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the class names that a checkpoint stores, or None."""
    classes = (checkpoint.get('meta') or {}).get('dataset_meta', {}).get('classes')
    return tuple(classes) if classes else None


def check_weights(
    model: nn.Module, checkpoint: Mapping[str, Any], source: object, training: bool = False
) -> None:
    """Refuse weights that would leave part of the model as it was drawn.

    Args:
        model: The model, below any wrapper too.
        checkpoint: What the file holds.
        source: The file, for the message.
        training: Ask for what only training needs too (attention, centres).

    Raises:
        UserError: If a weight is missing or of another shape; names the first ones.
    """
    left_out = () if training else training_only(model)
    found, faults = weights_of(checkpoint), []
    for name, value in unwrapped(model).state_dict().items():
        if name.endswith('num_batches_tracked') or name.startswith(left_out):
            continue
        its = found.get(name)
        if not isinstance(its, torch.Tensor):
            faults.append(f'{name} is missing')
        elif its.shape != value.shape:
            faults.append(f'{name} is {tuple(its.shape)}, the model needs {tuple(value.shape)}')
    if faults:
        raise UserError(
            f'{source} does not fit the model of the config in {len(faults)} weights: '
            f'{"; ".join(faults[:3])}. Take the config that it was trained with'
        )


def check_classes(stored: Sequence[str] | None, own: Sequence[str] | None, source: object) -> None:
    """Refuse to go on with other classes, or the same in another order.

    Raises:
        UserError: If both are known and differ.
    """
    if stored and own and tuple(stored) != tuple(own):
        raise UserError(
            f'{source} was trained on the classes {printable(", ".join(stored))}, in this order; the data '
            f'set gives {", ".join(own)}. Set classes of its data set to those of the checkpoint'
        )


def use_classes(dataset: ConfigDict, checkpoint: Mapping[str, Any], source: object) -> None:
    """Let a data set read its labels in the class order of a checkpoint.

    Args:
        dataset: Config of the data set, also of a wrapper around others; changed in place.
        checkpoint: What the file holds.
        source: The file, for messages.

    Raises:
        UserError: If the checkpoint knows other classes than the data set.
    """
    stored = classes_of(checkpoint)
    if stored is None:
        print_log(f"{source} names no classes: the data set's order is taken for its own", 'current', WARNING)
        return
    init_default_scope('mmpretrain')
    for leaf in data_sets(dataset):
        built = DATASETS.build(leaf | dict(lazy_init=True))
        own = built.metainfo.get('classes')
        if own is not None and tuple(own) != stored and set(own) == set(stored):
            leaf.classes = stored
            order = printable(', '.join(stored))
            print_log(f'{source} has the classes in another order, which is taken over: {order}', 'current')
        else:
            check_classes(stored, own, source)
