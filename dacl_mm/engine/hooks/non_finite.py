"""What happens to a training step that computes a value that is NaN or infinite."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from dacl_mm.engine.checkpoint.finite import first_broken
from dacl_mm.engine.checkpoint.training_only import unwrapped
from dacl_mm.engine.step_probe import STAGES, StepProbe, gradient_norms
from dacl_mm.errors import UserError

from .deferred_info import is_read

#: In the message hub, hence in checkpoints.
SKIPPED = 'skipped_steps'
#: A loss scale that no training comes down to whose gradients are finite at any scale.
LOWEST_SCALE = 1e-6


@dataclass
class Batch:
    """One iteration: where it is, its files, and what was noted of it (:class:`StepProbe`)."""

    place: str
    files: Sequence[str]
    notes: dict[str, Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)  # norms

    def finite(self) -> Tensor:
        """Return whether everything was finite: 1 or 0, ()."""
        parts = [note.all() for note in self.notes.values()]
        if self.gradients:
            parts.append(torch.stack(list(self.gradients.values())).isfinite().all())
        return torch.stack(parts).all().float() if parts else torch.ones(())


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Stop at the first value that is not finite, or leave the step out.

    Looked at are images, feature map, embedding, attention, logits, centres, every loss and the
    gradient of every parameter. The message names the first that is broken, the iteration and the files of
    its batch. Weights and centres are those before the step: nothing broken enters them.

    On a GPU nothing waits for the device: a fused optimizer makes no more steps from the broken one on
    (``found_inf``), and the host looks when losses are logged. Skipping, and other optimizers, wait once a
    step. A gradient that is infinite since a loss scale was too large is the scaler's
    (``AmpOptimWrapper``), which leaves the step out and lowers the scale.

    Args:
        action: 'stop'; 'skip' leaves the optimizer's step out: weights, optimizer state, centres and
            BatchNorm's statistics stay what they were, its losses are not logged, and ``skipped_steps``
            in the log counts them. An average of the weights (EMAHook) takes in the unchanged weights.
        limit: Steps skipped one after the other at which training stops all the same.
        defer: Whether the look waits for the log; None: on a GPU, where the optimizer is fused.

    Raises:
        UserError: If an option is unknown, or a value is not finite.
    """

    # Before the losses are logged and the centres move.
    priority = 'HIGHEST'

    def __init__(self, action: str = 'stop', limit: int = 10, defer: bool | None = None) -> None:
        if action not in ('stop', 'skip'):
            raise UserError(f'NonFiniteHook: action must be stop or skip, got {action!r}')
        if limit < 1:
            raise UserError(f'NonFiniteHook: limit must be at least 1, got {limit}')
        if defer and action == 'skip':
            raise UserError(
                'NonFiniteHook: a step is skipped at once, so that defer=True asks for action=stop'
            )
        self.skips, self.limit, self.defer = action == 'skip', limit, defer
        self._waiting: list[tuple[Batch, Tensor]] = []  # and whether it was finite, ()
        self._frozen: Tensor | None = None  # 1 from the first broken step on, ()
        self._buffers: list[Tensor] = []  # those before the running step
        self._spoilt = False  # whether the running step cannot be made
        self._consecutive = 0

    def before_train(self, runner: Runner) -> None:
        """Watch model and optimizer.

        Raises:
            UserError: If there are several optimizers.
        """
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            raise UserError('NonFiniteHook watches one optimizer: write optim_wrapper with one')
        self._runner = runner
        self._probe = StepProbe(runner.model)
        self._parameters = dict(unwrapped(runner.model).named_parameters())
        self._scaler = getattr(wrapper, 'loss_scaler', None)
        if self.defer is None and not self.skips:
            on_gpu = any(p.is_cuda for p in self._parameters.values())
            self.defer = on_gpu and bool(wrapper.optimizer.defaults.get('fused'))
        wrapper.optimizer.register_step_pre_hook(self._before_step)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        files = [str(sample.get('img_path', 'no file')) for sample in samples or ()]
        self._batch = Batch(f'epoch {runner.epoch + 1}, iteration {batch_idx + 1}', files)
        if self.skips and not self._buffers:
            self._buffers = [buffer.clone() for buffer in unwrapped(runner.model).buffers()]

    def _before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """Look at the step before it is made."""
        if self._scaler is None:  # else they are scaled, and it looks at them
            self._batch.gradients = gradient_norms(self._parameters)
        self._look()
        if self._frozen is not None:
            found = getattr(optimizer, 'found_inf', None)
            flag = self._frozen if found is None else torch.maximum(self._frozen, found.reshape(()))
            optimizer.found_inf = flag  # type: ignore[attr-defined]
        if self._spoilt:
            for parameter in self._parameters.values():
                parameter.grad = None  # of which optimizers take no step

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Look at an iteration that made no step, and at those that wait where losses are read.

        Raises:
            UserError: If a value is not finite, and the step is not skipped.
        """
        if not self._batch.notes:  # accumulated gradients, or the scaler has left the step out
            self._look()
        if self._spoilt and outputs is not None:
            outputs.clear()  # nobody logs them
        if runner.optim_wrapper.should_update():
            self._end_step(runner)
        if is_read(runner, batch_idx) or not self.defer:
            self._look_at_waiting()
            if self._scaler is not None and self._scaler.get_scale() < LOWEST_SCALE:
                self._stop(self._batch, f'gradients are not finite at any loss scale, down to {LOWEST_SCALE}')

    def before_autosave(self, runner: Runner) -> None:
        """Look before a checkpoint holds iterations that made no step (called by AtomicCheckpointHook).

        Raises:
            UserError: If a value was not finite.
        """
        self._look_at_waiting()

    def _look(self) -> None:
        batch = self._batch
        batch.notes = self._probe.take()
        if self.defer:
            finite = batch.finite()
            self._frozen = 1 - finite if self._frozen is None else torch.maximum(self._frozen, 1 - finite)
            self._waiting.append((batch, finite))
        elif not all_reduce_min(batch.finite()):
            if not self.skips:
                self._stop(batch, self._culprit(batch))
            if not self._spoilt:
                files = ', '.join(batch.files)
                self._runner.logger.warning(f'{batch.place}: {self._culprit(batch)}: step skipped ({files})')
            self._spoilt = True

    def _look_at_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            finite = all_reduce_min(torch.stack([finite for _, finite in waiting])).tolist()
            if 0.0 in finite:
                batch, _ = waiting[finite.index(0.0)]
                self._stop(batch, self._culprit(batch))

    def _end_step(self, runner: Runner) -> None:
        hub = runner.message_hub
        if self._spoilt:
            for buffer, before in zip(unwrapped(runner.model).buffers(), self._buffers):
                buffer.copy_(before)
            hub.update_info(SKIPPED, hub.get_info(SKIPPED, 0) + 1)
            self._consecutive += 1
            if self._consecutive == self.limit:
                what = self._culprit(self._batch)
                self._stop(self._batch, f'{what}, and the last {self.limit} steps were skipped')
        else:
            self._consecutive = 0
        if hub.get_info(SKIPPED):
            hub.update_scalar(f'train/{SKIPPED}', hub.get_info(SKIPPED))
        self._spoilt, self._buffers = False, []

    def _culprit(self, batch: Batch) -> str:
        """Name the first broken value; waits for the device."""
        image = batch.notes.get(STAGES[0])
        if image is not None and not image.all():
            files = [name for name, good in zip(batch.files, image.tolist()) if not good]
            return f'the {STAGES[0]} is not finite: {", ".join(files)}'
        if weights := first_broken(self._parameters):
            return f'the weights of {weights} are not finite'
        for name, note in batch.notes.items():
            if not note.all():
                if name not in STAGES:
                    return f'{name} is not finite'
                return f'the {name} {"are" if name.endswith("s") else "is"} not finite'
        for name, norm in reversed(batch.gradients.items()):  # as they are computed
            if not norm.isfinite():
                return f'the gradient of {name} is not finite'
        return 'another process met a value that is not finite'

    def _stop(self, batch: Batch, what: str) -> None:
        rate = next(iter(self._runner.optim_wrapper.get_lr().values()))[0]
        last = self._runner.message_hub.get_info('last_ckpt') or 'none yet'
        raise UserError(
            f'{batch.place}: {what}. Lower the learning rate (now {rate:.3g}), clip gradients by '
            'optim_wrapper.clip_grad=dict(max_norm=5), or look at the data. The last good checkpoint: '
            f'{last}. The batch: {", ".join(batch.files)}'
        )


def all_reduce_min(values: Tensor) -> Tensor:
    """Return the least values over all processes, in place."""
    all_reduce(values, 'min')
    return values
