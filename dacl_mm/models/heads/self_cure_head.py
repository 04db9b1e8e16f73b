"""Suppressing images whose labels are doubtful."""

from typing import Any

import torch
from mmpretrain.models.heads import LinearClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .corrected_labels import CorrectedLabels
from .targets import ClassLabels


@MODELS.register_module()
class SelfCureHead(LinearClsHead):
    """Self-cure network (SCN): an importance of each image, ranked, and labels that are corrected.

    ``CE(a l) + max(0, margin - (mean a_high - mean a_low))``: the importance ``a = sigmoid(w x)``
    scales the logits; the share ``high_share`` of the batch with the largest a is the high group. From
    ``relabel_epoch`` on (:class:`~dacl_mm.engine.hooks.RelabelHook`) an image takes the predicted label
    from the next time on, if that is likelier than its own by ``relabel_margin``. Means and ranks are
    those of a process's own batch. Predictions are by ``a l``, whose order is that of l.

    Reference: Wang et al., Suppressing Uncertainties for Large-Scale Facial Expression Recognition,
    CVPR 2020, section 3; code in kaiwang960112/Self-Cure-Network (its margin at batch 64 is 0.07,
    that of the paper at 1024 is 0.15). The paper
    weighs the parts by gamma and 1 - gamma; the code, as here, adds them up.

    Args:
        num_classes: K.
        in_channels: Width d of the embedding, after a neck that pools.
        margin: Least distance of the groups' mean importance.
        high_share: Share of the high group, in (0, 1).
        relabel_epoch: Epoch, counted from 0, from which labels are corrected. None: never.
        relabel_margin: Least distance of the two probabilities.
        **kwargs: Those of :class:`mmpretrain.models.heads.LinearClsHead`.

    Attributes:
        relabelling: Whether labels are corrected now; the hook sets it.
    """

    #: Parts that no prediction needs: the best checkpoint leaves them out.
    training_only = ('corrected',)

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        margin: float = 0.07,
        high_share: float = 0.7,
        relabel_epoch: int | None = 9,
        relabel_margin: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, **kwargs)
        if not 0 < high_share < 1:
            raise UserError(f'high_share must lie in (0, 1), got {high_share}')
        if margin < 0 or relabel_margin < 0:
            raise UserError(
                f'margin and relabel_margin must not be negative, got {margin} and {relabel_margin}'
            )
        self.margin = margin
        self.high_share = high_share
        self.relabel_epoch = relabel_epoch
        self.relabel_margin = relabel_margin
        self.importance = nn.Linear(in_channels, 1)
        self.class_labels = ClassLabels(num_classes)
        self.relabelling = False
        self.corrected = CorrectedLabels()

    def weigh(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the weighted logits, (N, K), and the importance a, (N,)."""
        embedding = self.pre_logits(feats)
        importance = self.importance(embedding).float().sigmoid()  # (N, 1)
        return importance * self.fc(embedding), importance.squeeze(1)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the weighted logits, (N, K)."""
        return self.weigh(feats)[0]

    def rank_loss(self, importance: Tensor) -> Tensor:
        """Return ``max(0, margin - (mean a_high - mean a_low))``, a scalar."""
        count = int(self.high_share * len(importance))
        if not 0 < count < len(importance):
            raise UserError(
                f'a batch of {len(importance)} cannot be split at high_share={self.high_share}: raise '
                'train_dataloader.batch_size, and set drop_last=True'
            )
        ranked = importance.sort(descending=True).values
        return (self.margin - (ranked[:count].mean() - ranked[count:].mean())).clamp_min(0)

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss_cls`` and ``loss_rank``.

        Args:
            feats: The last is (N, d).
            data_samples: With ``gt_label``, and ``sample_idx`` where labels are corrected.
            **kwargs: Passed on to the classification loss.

        Raises:
            UserError: If the samples have vote distributions or mixed labels, which cannot be corrected,
                or do not tell which images they are.
        """
        if any('gt_score' in sample for sample in data_samples):
            raise UserError(
                'SelfCureHead corrects labels, and these are distributions over the classes: set label_mode '
                "of the data set to hard labels ('majority' of FER+), and leave out mixup"
            )
        label = self.class_labels(data_samples)
        if len(self.corrected):
            index = self._index(data_samples, label.device)
            label = self.corrected.of(index, label)
        logits, importance = self.weigh(feats)
        if self.relabelling:
            self._relabel(logits.detach(), label, index)
        losses = dict(loss_cls=self.loss_module(logits, label, avg_factor=len(label), **kwargs))
        losses['loss_rank'] = self.rank_loss(importance)
        return losses

    @staticmethod
    def _index(data_samples: list[DataSample], device: torch.device) -> Tensor:
        if not all('sample_idx' in sample for sample in data_samples):
            raise UserError(
                'SelfCureHead must know which image is which: let the pipeline end in PackInputs with its '
                'own meta_keys, or set model.head.relabel_epoch=None'
            )
        return torch.tensor([sample.sample_idx for sample in data_samples], device=device)

    @torch.no_grad()
    def _relabel(self, logits: Tensor, label: Tensor, index: Tensor) -> None:
        probability = logits.float().softmax(1)
        highest, predicted = probability.max(1)
        own = probability.gather(1, label.unsqueeze(1)).squeeze(1)
        doubtful = highest - own > self.relabel_margin
        self.corrected.correct(index[doubtful], predicted[doubtful])
