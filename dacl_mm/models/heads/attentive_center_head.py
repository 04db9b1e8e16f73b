"""Classification beside centres whose distances an attention weighs."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from dacl_mm.errors import UserError
from dacl_mm.models.attention import Attention
from dacl_mm.models.centers import ClassCenters
from dacl_mm.models.class_prior import ClassPrior

from .pooled_map_head import PooledMapHead
from .targets import ClassShares

PREDICTIONS = ('classifier', 'centers', 'both')


@MODELS.register_module()
class AttentiveCenterHead(PooledMapHead):
    """Linear classifier, trained beside class centres that compete for the embedding.

    DACL's loss can only shrink its attention, since no rival centre takes part. Here they do:
    the embedding ``z = BN(GAP map)`` (without affine part) and the weights A of mean 1 give every
    class a score l_k by its centre, and ``L = CE(fc) + mu [CE(q, softmax(l + tau log prior)) +
    penalty]``, q the label or the vote distribution. mu rises from 0 over the first epochs
    (:class:`~dacl_mm.engine.hooks.LossRampHook`). Centres and scores are computed in float32
    whatever the autocast state.

    With labels that are votes, ``loss`` must take distributions: MMPretrain's CrossEntropyLoss does.

    Args:
        num_classes: K.
        in_channels: Channels of the feature map, which is the embedding width d.
        feat_size: Height and width of the feature map, for attentions that need it; found as
            in :class:`DACLHead`.
        attention: Config of an :class:`~dacl_mm.models.attention.Attention`. Its weights are
            divided by their mean over the dimensions, so only their ratios count.
        centers: Config of :class:`~dacl_mm.models.centers.ClassCenters`: ``RatioCenters`` or
            ``GaussianCenters``.
        residual: Config of a module (N, C, H, W) -> (N, d) that is added to z, or None.
        loss: Config of the classification loss.
        loss_weight: mu.
        ramp_epochs: Epochs over which mu rises from 0, linearly by iteration; 0 for none.
        tau: Strength of the logit adjustment of the scores in training. Predictions have none.
        predict_by: What predicts: the 'classifier' (no cost), the 'centers', or 'both' by their
            mean log-probability.
        init_cfg: Initialisation. None keeps torch's default for the classifier.
        **kwargs: ``topk`` and ``cal_acc`` of :class:`mmpretrain.models.heads.LinearClsHead`.

    Raises:
        UserError: If an option is out of range, or attention or centres are of another width.
    """

    attention: Attention
    centers: ClassCenters
    ramp: Tensor  # share of mu that counts, ()

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        feat_size: int | Sequence[int] | None = None,
        attention: dict[str, Any] = dict(type='StatisticsAttention'),
        centers: dict[str, Any] = dict(type='RatioCenters'),
        residual: dict[str, Any] | None = None,
        loss: dict[str, Any] = dict(type='CrossEntropyLoss'),
        loss_weight: float = 0.5,
        ramp_epochs: float = 5,
        tau: float = 1.0,
        predict_by: str = 'classifier',
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, init_cfg=init_cfg, loss=loss, **kwargs)
        if predict_by not in PREDICTIONS:
            raise UserError(f'predict_by must be one of {", ".join(PREDICTIONS)}, got {predict_by!r}')
        if min(loss_weight, ramp_epochs, tau) < 0:
            raise UserError(
                f'loss_weight, ramp_epochs and tau must not be negative, got loss_weight={loss_weight}, '
                f'ramp_epochs={ramp_epochs}, tau={tau}'
            )
        shape = dict(in_channels=in_channels, feat_size=feat_size, out_channels=in_channels)
        self.norm = nn.BatchNorm1d(in_channels, affine=False)
        self.attention = MODELS.build({**shape, **attention})
        self.residual = None if residual is None else MODELS.build({**shape, **residual})
        self.centers = MODELS.build({**dict(num_classes=num_classes, feat_channels=in_channels), **centers})
        for name, module in (('attention', self.attention), ('residual', self.residual)):
            width = getattr(module, 'out_channels', in_channels)
            if width != in_channels:
                raise UserError(
                    f'the {name} yields {width} numbers for an embedding of {in_channels} channels: '
                    'out_channels must equal in_channels'
                )
        if (self.centers.num_classes, self.centers.feat_channels) != (num_classes, in_channels):
            raise UserError(
                f'the centres are ({self.centers.num_classes}, {self.centers.feat_channels}), '
                f'the head needs (num_classes, in_channels) = ({num_classes}, {in_channels})'
            )
        self.prior = ClassPrior(num_classes)
        self.loss_weight = loss_weight
        self.ramp_epochs = ramp_epochs
        self.tau = tau
        self.predict_by = predict_by
        self.register_buffer('ramp', torch.ones(()), persistent=False)
        self.class_shares = ClassShares(num_classes)

    @property
    def training_only(self) -> tuple[str, ...]:
        """Parts that no prediction needs: the best checkpoint leaves them out."""
        if self.predict_by == 'classifier':
            return ('norm', 'attention', 'residual', 'centers', 'prior')
        return ('prior',)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return logits, (N, K)."""
        embedding = self.pre_logits(feats)
        if self.predict_by == 'centers':
            return self.scores(feats, embedding)
        logits: Tensor = self.fc(embedding)
        if self.predict_by == 'classifier':
            return logits
        log_p = self.scores(feats, embedding).log_softmax(1)
        return (log_p + logits.float().log_softmax(1)) / 2

    def scores(self, feats: tuple[Tensor, ...], embedding: Tensor, target: Tensor | None = None) -> Tensor:
        """Return what the centres say of each class, (N, K).

        Args:
            feats: Backbone outputs; the last is (N, C, H, W).
            embedding: Its average, (N, C).
            target: Shares of the classes, (N, K): the class means learn from them.
        """
        if self.training and len(embedding) < 2:
            raise UserError(
                'batch normalisation of the embedding needs at least 2 samples in a training batch, and '
                'this one has 1: set train_dataloader.drop_last=True'
            )
        dtype = self.centers.weight.dtype  # autocast leaves what follows in it
        z = self.norm(embedding.to(dtype))  # (N, d)
        if self.residual is not None:
            z = z + self.residual(feats[-1]).to(dtype)
        attention = self.attention_weights(feats[-1])
        if target is not None:
            self.centers.collect(z.detach(), target)
        scores: Tensor = self.centers(z, attention)
        return scores

    def attention_weights(self, feature_map: Tensor) -> Tensor:
        """Return the weights A of mean 1 that the centres take, (N, d), for a feature map (N, C, H, W)."""
        gate = self.attention(feature_map).to(self.centers.weight.dtype)
        return gate / gate.mean(1, keepdim=True)

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss_cls`` and ``loss_center`` (weighted by mu).

        Args:
            feats: Backbone outputs; the last is (N, C, H, W).
            data_samples: With ``gt_label`` or ``gt_score``, which goes first.
            **kwargs: Passed on to the classification loss.

        Raises:
            UserError: If the samples have no label, or one out of range, or the classes' shares are
                not known.
        """
        embedding = self.pre_logits(feats)
        target = self.class_shares(data_samples).to(self.centers.weight.dtype)
        losses: dict[str, Tensor] = self._get_loss(self.fc(embedding), data_samples, **kwargs)
        losses['loss_cls'] = losses.pop('loss')
        scores = self.scores(feats, embedding, target)
        log_p = (scores + self.tau * self.prior().log()).log_softmax(1)  # (N, K)
        cross_entropy = -(target * log_p).sum(1).mean()
        weight = self.ramp.to(log_p.dtype) * self.loss_weight
        losses['loss_center'] = weight * (cross_entropy + self.centers.penalty(scores, target))
        return losses
