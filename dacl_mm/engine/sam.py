"""Sharpness-aware minimisation."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .checkpoint.training_only import unwrapped


@OPTIM_WRAPPERS.register_module()
class SAMOptimWrapper(OptimWrapper):
    """Steps by the gradient at the worst point nearby; each step costs two passes.

    With g the gradient at the weights w, the step is that of the optimizer under the gradient at
    w + rho g / |g|, all weights together (eq. 2 and 3 of the paper). Statistics of the batch
    (BatchNorm's, and the sums that move class centres) are taken in the first pass alone, at w.

    Reference: Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization,
    ICLR 2021.

    Args:
        rho: Radius of the neighbourhood, 0 or more.
        bfloat16: Autocast both passes, as :class:`BFloat16OptimWrapper` does.
        **kwargs: Those of :class:`mmengine.optim.OptimWrapper`.

    Raises:
        UserError: If rho is negative, or gradients shall be accumulated over batches.
    """

    def __init__(self, rho: float = 0.05, bfloat16: bool = False, **kwargs: Any) -> None:
        if rho < 0:
            raise UserError(f'rho of SAMOptimWrapper must not be negative, got {rho}')
        super().__init__(**kwargs)
        if self._accumulative_counts != 1:
            raise UserError(
                'SAMOptimWrapper needs the whole gradient at each batch: leave out '
                'optim_wrapper.accumulative_counts, and raise train_dataloader.batch_size instead'
            )
        self.rho = rho
        self.bfloat16 = bfloat16
        self._call: tuple[nn.Module, tuple[Any, ...], dict[str, Any]] | None = None

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Note with what the model is called, for the second pass."""

        def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._call = module, args, kwargs

        handle = model.register_forward_pre_hook(note, with_kwargs=True)
        try:
            with super().optim_context(model), self._precision(model):
                yield
        finally:
            handle.remove()

    def update_params(
        self,
        loss: Tensor,
        step_kwargs: dict[str, Any] | None = None,
        zero_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Go backward, to the worst point, forward and backward, back to the weights, and step."""
        if self._call is None:
            raise RuntimeError('update_params of SAMOptimWrapper without a forward pass in optim_context')
        (model, args, kwargs), self._call = self._call, None
        torch.autograd.backward(loss)
        weights = self._climb()
        self.zero_grad(**(zero_kwargs or {}))
        with frozen_statistics(model), self._precision(model):
            losses = model(*args, **kwargs)
        network: Any = unwrapped(model)
        second, _ = network.parse_losses(losses)
        self.backward(second)
        with torch.no_grad():
            for parameter, value in weights:
                parameter.copy_(value)
        self.step(**(step_kwargs or {}))
        self.zero_grad(**(zero_kwargs or {}))

    @torch.no_grad()
    def _climb(self) -> list[tuple[nn.Parameter, Tensor]]:
        """Move the weights to the worst point, and return them as they were."""
        moved = [p for group in self.param_groups for p in group['params'] if p.grad is not None]
        weights = [(p, p.detach().clone()) for p in moved]
        length = self.rho / torch.nn.utils.get_total_norm([p.grad for p in moved]).clamp_min(1e-12)
        for parameter in moved:
            parameter += length * parameter.grad
        return weights

    def _precision(self, model: nn.Module) -> Any:
        device = next(model.parameters()).device.type
        return torch.autocast(device, torch.bfloat16) if self.bfloat16 else nullcontext()


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Let modules with ``track_running_stats`` compute from the batch without taking statistics of it."""
    tracking = [m for m in model.modules() if getattr(m, 'track_running_stats', False)]
    for module in tracking:
        module.track_running_stats = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True  # type: ignore[assignment]
