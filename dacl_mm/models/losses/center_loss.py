"""Attentive (sparse) centre loss and the centres it owns.

References:
    [0] Farzaneh & Qi, Facial Expression Recognition in the Wild via Deep
        Attentive Center Loss, WACV 2021.
    [1] Wen et al., A Discriminative Feature Learning Approach for Deep Face
        Recognition, ECCV 2016.
"""

import math
from typing import NamedTuple

import torch
from mmengine.dist import broadcast
from mmengine.logging import print_log
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .center_sums import CenterSums, center_step_sums

#: Updates between two looks, on the host, at whether a class was left out: a look waits for the device.
CHECK_INTERVAL = 50


def sparse_center_loss(
    embedding: Tensor, centers: Tensor, label: Tensor, attention: Tensor | None = None
) -> Tensor:
    """Attention-weighted squared distance to the own class centre.

    Args:
        embedding: x, (N, d).
        centers: c, (K, d).
        label: y in [0, K), (N,).
        attention: A in [0, 1], (N, d). None stands for A = 1, the plain
            centre loss of [1].

    Returns:
        Scalar ``1 / (2 N) * sum_ij A_ij (x_ij - c_{y_i j})^2``.
    """
    distance = (embedding - centers[label]).square()  # (N, d)
    if attention is not None:
        distance = attention * distance
    return distance.sum() / (2 * len(embedding))  # Eq. 2 of [1] over N, weighed by A


class CenterBatch(NamedTuple):
    """Detached values of the last training batch, for monitoring."""

    embedding: Tensor  # (N, d)
    label: Tensor  # (N,)
    attention: Tensor | None  # (N, d)


@MODELS.register_module()
class SparseCenterLoss(nn.Module):
    """Attentive centre loss with class centres that the loss does not train.

    The centres live in the buffer ``centers``: saved and moved with the model
    and in no optimizer. In training mode every forward pass adds to the sums of
    the running step; :class:`~dacl_mm.engine.hooks.CenterUpdateHook` calls
    :meth:`update_centers` once per optimizer step, and a loss that nobody updates
    warns once. The mathematics runs in float32 (or wider) whatever the autocast
    state.

    Centres stay finite: a class whose new centre would not be, since an embedding
    or its attention was infinite or NaN, keeps the old one in that step, and a
    warning says so once.

    Args:
        num_classes: K.
        feat_channels: Width d of the embedding.
        loss_weight: lambda. It scales the loss and not the centre update.
        alpha: Step size of the centres, 0.5 as published. CenterUpdateHook's
            schedule multiplies it.

    Attributes:
        update_norm: Euclidean norm of the centres' last step, (). None before it.
        last_batch: Values of the last training batch. None before it.
        track_running_stats: As in BatchNorm: False leaves a training batch out of the sums.
    """

    centers: Tensor

    def __init__(
        self, num_classes: int, feat_channels: int, loss_weight: float = 0.01, alpha: float = 0.5
    ) -> None:
        super().__init__()
        if num_classes < 1 or feat_channels < 1:
            raise UserError(
                'num_classes and feat_channels must be positive, got '
                f'num_classes={num_classes}, feat_channels={feat_channels}'
            )
        if loss_weight < 0:
            raise UserError(f'loss_weight must not be negative, got {loss_weight}')
        if alpha < 0:
            raise UserError(f'alpha must not be negative, got {alpha}')
        self.num_classes = num_classes
        self.feat_channels = feat_channels
        self.loss_weight = loss_weight
        self.alpha = alpha
        self.register_buffer('centers', torch.empty(num_classes, feat_channels))
        self.update_norm: Tensor | None = None
        self.last_batch: CenterBatch | None = None
        self.track_running_stats = True
        self._sums = CenterSums()
        self._updates = 0
        self._left_out: Tensor | None = None  # whether a class ever kept its centre, ()
        self._warned = False
        self.reset_parameters()

    @property
    def step_sums(self) -> tuple[Tensor, Tensor] | None:
        """Sums, (K, d), and class counts, (K,), of this process's part of the running optimizer step."""
        return self._sums.total

    @step_sums.setter
    def step_sums(self, sums: tuple[Tensor, Tensor] | None) -> None:
        self._sums.total = sums

    def reset_parameters(self) -> None:
        """Draw the centres anew: Kaiming normal on the transpose of (K, d), whose fan-in is K."""
        nn.init.normal_(self.centers, std=math.sqrt(2 / self.num_classes))

    def forward(self, embedding: Tensor, label: Tensor, attention: Tensor | None = None) -> Tensor:
        """Return ``lambda * Lc``, a scalar.

        Args:
            embedding: (N, d) of any floating type.
            label: Integer class indices, (N,).
            attention: (N, d), or None for A = 1.

        Raises:
            UserError: If the embedding or the attention is not (N, d).
        """
        expected = (len(label), self.feat_channels)
        for name, value in (('embedding', embedding), ('attention', attention)):
            if value is not None and tuple(value.shape) != expected:
                raise UserError(
                    f'the centre loss expects the {name} as (N, d) = {expected}, got '
                    f'{tuple(value.shape)}: feat_channels must equal the embedding width'
                )
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.to(self.centers.dtype)
            attention = None if attention is None else attention.to(self.centers.dtype)
            if self.training and self.track_running_stats:
                self._collect(embedding, label, attention)
            loss = sparse_center_loss(embedding, self.centers, label, attention)
            return self.loss_weight * loss

    @torch.no_grad()
    def _collect(self, embedding: Tensor, label: Tensor, attention: Tensor | None) -> None:
        attention = None if attention is None else attention.detach()
        self.last_batch = CenterBatch(embedding.detach(), label, attention)
        self._sums.add(*center_step_sums(embedding, self.centers, label, attention))

    @torch.no_grad()
    def update_centers(self, factor: float | Tensor = 1.0) -> None:
        """Apply ``c_k -= factor * alpha * sum_k / (1 + n_k)`` over all ranks and reset the sums.

        A class without a sample since the last call does not move. Not scaled
        by lambda and not divided by the batch size.

        Args:
            factor: What the schedule makes of alpha; 0 drops the sums. A tensor, (), on the centres' device.
        """
        sums, counts = self._sums.take(self.centers)
        step = factor * self.alpha * sums / (1 + counts).unsqueeze(1)  # alpha times eq. 4 of [1], (K, d)
        finite = (self.centers - step).isfinite().all(1, keepdim=True)  # (K, 1)
        step = torch.where(finite, step, 0)
        self.centers -= step
        self.update_norm = step.norm()
        self._watch(finite)

    def _watch(self, finite: Tensor) -> None:
        left_out = ~finite.all()
        self._left_out = left_out if self._left_out is None else self._left_out | left_out
        if not self._warned and self._updates % CHECK_INTERVAL == 0 and bool(self._left_out):
            self._warned = True
            print_log(
                'an embedding or its attention was infinite or NaN: the class centres it would have moved '
                'stayed where they were. Lower the learning rate, or clip gradients '
                '(optim_wrapper.clip_grad)',
                logger='current',
                level=30,
            )
        self._updates += 1

    def broadcast_centers(self) -> None:
        """Give every rank the centres of rank 0: DDP does not broadcast buffers here."""
        broadcast(self.centers)


@MODELS.register_module()
class CenterLoss(SparseCenterLoss):
    """Plain centre loss [1]: the sparse centre loss with A = 1.

    With the normalisation 1 / (2 N) that [0] gives both losses, so that one
    ``loss_weight`` compares them.
    """

    def forward(self, embedding: Tensor, label: Tensor, attention: Tensor | None = None) -> Tensor:
        """Return ``lambda * Lc``, a scalar, for embeddings (N, d) and labels (N,).

        Raises:
            UserError: If an attention is given, which this loss would not use.
        """
        if attention is not None:
            raise UserError(
                "CenterLoss weighs all dimensions alike: with an attention use type='SparseCenterLoss'"
            )
        return super().forward(embedding, label)


def center_losses(model: nn.Module) -> list[SparseCenterLoss]:
    """Return the centre losses of a model, also below a DDP wrapper."""
    return [m for m in model.modules() if isinstance(m, SparseCenterLoss)]
