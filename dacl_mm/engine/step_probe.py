"""What a training step computes, noted stage by stage, so that the first broken value has a name."""

from typing import Any

import torch
from torch import Tensor, nn

from dacl_mm.models.losses import SparseCenterLoss

from .checkpoint.training_only import unwrapped

#: In the order of computation; losses and gradients follow.
STAGES = ('input image', 'feature map', 'embedding', 'attention', 'logits', 'centres')


class StepProbe:
    """Notes of each stage of a model's training steps whether all its values are finite.

    A note is a tensor of bools on the model's device, one for each image where images are noted: taking
    it waits for nothing. Stages that a model lacks are left out.

    Args:
        model: The model, below any wrapper too.
    """

    def __init__(self, model: nn.Module) -> None:
        model = unwrapped(model)
        self._notes: dict[str, Tensor] = {}
        model.register_forward_hook(self._losses)
        for name, child in model.named_modules():
            if name == 'data_preprocessor':
                child.register_forward_hook(self._images)
            elif name == 'backbone':
                child.register_forward_hook(self._feature_map)
            elif isinstance(child, SparseCenterLoss):
                child.register_forward_pre_hook(self._centers, with_kwargs=True)
            elif name.endswith('loss_module'):  # of MMPretrain's heads
                child.register_forward_pre_hook(self._logits)

    def take(self) -> dict[str, Tensor]:
        """Return the notes since the last call, whether a stage was finite, in the order of computation."""
        notes, self._notes = self._notes, {}
        first = {name: notes.pop(name) for name in STAGES if name in notes}
        return first | notes

    def _note(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and value.is_floating_point():
            found = value.detach().isfinite()
            self._notes[name] = found.flatten(1).all(1) if name == STAGES[0] else found.all()

    def _images(self, module: nn.Module, args: Any, output: Any) -> None:
        if module.training:
            self._note(STAGES[0], output.get('inputs') if isinstance(output, dict) else output)

    def _feature_map(self, module: nn.Module, args: Any, output: Any) -> None:
        if module.training:
            self._note('feature map', output[-1] if isinstance(output, tuple | list) else output)

    def _centers(self, module: SparseCenterLoss, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if module.training:
            embedding, _, attention, *_ = (*args, *kwargs.values(), None, None)
            self._note('embedding', embedding)
            self._note('attention', attention)
            self._note('centres', module.centers)

    def _logits(self, module: nn.Module, args: Any) -> None:
        if module.training:
            self._note('logits', args[0])

    def _losses(self, module: nn.Module, args: Any, output: Any) -> None:
        if module.training and isinstance(output, dict):
            for name, value in output.items():
                self._note(name, value)


def gradient_norms(parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the Euclidean norm of each parameter's gradient, (), by the parameter's name."""
    found = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    return dict(zip(found, torch._foreach_norm(list(found.values())))) if found else {}
