"""Features mixed in relation to how uncertain they are."""

import math
from collections.abc import Sequence
from typing import Any

from mmpretrain.models.heads import LinearClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from dacl_mm.errors import UserError


def branch(in_channels: int, places: int, out_channels: int, dropout: float) -> nn.Sequential:
    """Return a map (N, C, H, W) -> (N, d) by one linear layer between normalisations."""
    return nn.Sequential(
        nn.BatchNorm2d(in_channels, eps=2e-5, affine=False),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(in_channels * places, out_channels),
        nn.BatchNorm1d(out_channels, eps=2e-5),
    )


@MODELS.register_module()
class UncertaintyHead(LinearClsHead):
    """Relative uncertainty learning (RUL).

    Two branches give an embedding x and an uncertainty ``u = mean_j exp(v_j)`` of each image. Two
    images are mixed, ``(u_i x_i + u_j x_j) / (u_i + u_j)``, and the classifier must tell both:
    ``1/2 CE(y_i) + 1/2 CE(y_j)``. The harder image of a pair needs the larger share to be seen. The
    partner is the neighbour in the batch, which the sampler put there at random (in the authors' code a
    permutation of the batch, which can pair an image with itself). Predictions are by x alone.

    Reference: Zhang et al., Relative Uncertainty Learning for Facial Expression Recognition,
    NeurIPS 2021; code in zyh-uaiaaaa/Relative-Uncertainty-Learning, where the classifier's rate is ten
    times the rest's (``paramwise_cfg.custom_keys``).

    Args:
        num_classes: K.
        in_channels: Channels C of the feature map; there is no neck.
        feat_size: Height and width of the feature map; an int for a square; found as in
            :class:`DACLHead`.
        embed_channels: Width d of the embedding, 64 as published.
        dropout: 0.4 as published.
        loss: Config of the classification loss.
        init_cfg: Initialisation.
        **kwargs: ``topk`` and ``cal_acc`` of :class:`mmpretrain.models.heads.LinearClsHead`.

    Raises:
        UserError: If the size of the feature map is not given.
    """

    #: Parts that no prediction needs: the best checkpoint leaves them out.
    training_only = ('log_variance',)

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        feat_size: int | Sequence[int] | None = None,
        embed_channels: int = 64,
        dropout: float = 0.4,
        loss: dict[str, Any] = dict(type='CrossEntropyLoss'),
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, embed_channels, init_cfg=init_cfg, loss=loss, **kwargs)
        if feat_size is None:
            raise UserError(
                'UncertaintyHead is built for one size of the feature map: give model.head.feat_size (7 for '
                'a ResNet at 224 px, 2 at 64 px), or train with tools/train.py, which finds it'
            )
        size = (feat_size, feat_size) if isinstance(feat_size, int) else tuple(feat_size)
        self.expected = (in_channels, *size)
        self.embed = branch(in_channels, math.prod(size), embed_channels, dropout)
        self.log_variance = branch(in_channels, math.prod(size), embed_channels, dropout)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the embedding x, (N, d).

        Raises:
            UserError: If the feature map is not the one this was built for.
        """
        if tuple(feats[-1].shape[1:]) != self.expected:
            raise UserError(
                f'UncertaintyHead was built for feature maps of {self.expected} (channels, height, width), '
                f'got {tuple(feats[-1].shape[1:])}: change in_channels or feat_size of the head, or leave '
                'out the neck'
            )
        embedding: Tensor = self.embed(feats[-1])
        return embedding

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss``, the mean of the classification losses to both labels of each pair."""
        x = self.pre_logits(feats)
        uncertainty = self.log_variance(feats[-1]).float().exp().mean(1, keepdim=True)  # u, (N, 1)
        share = uncertainty / (uncertainty + uncertainty.roll(1, 0))
        logits = self.fc(share * x + (1 - share) * x.roll(1, 0))
        own = self._get_loss(logits, data_samples, **kwargs)['loss']
        partner = self._get_loss(logits, [data_samples[-1], *data_samples[:-1]], **kwargs)['loss']
        return dict(loss=(own + partner) / 2)
