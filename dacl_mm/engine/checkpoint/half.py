"""Weights in half the space."""

from collections.abc import Mapping

from torch import Tensor

from dacl_mm.errors import UserError


def to_half(weights: Mapping[str, Tensor], source: object) -> dict[str, Tensor]:
    """Round weights to float16, of which loading makes what the model computes in again.

    Args:
        weights: A state dict; integers stay as they are.
        source: The file, for messages.

    Raises:
        UserError: If a weight is out of float16's range.
    """
    halves = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    beyond = [name for name, value in halves.items() if not value.isfinite().all()]
    if beyond:
        raise UserError(
            f'{source}: {", ".join(beyond[:3])} cannot be kept in float16, which ends at 65504: the training '
            'diverged; take an earlier checkpoint'
        )
    return halves
