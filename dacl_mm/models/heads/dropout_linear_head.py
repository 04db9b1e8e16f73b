"""A linear classifier that never sees the whole embedding in training."""

from typing import Any

from mmpretrain.models.heads import LinearClsHead
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError


@MODELS.register_module()
class DropoutLinearHead(LinearClsHead):
    """Linear classifier after dropout, which MMPretrain has after hidden layers alone.

    Its weights are those of ``LinearClsHead``, and so are its predictions. ``pre_logits`` is the
    whole embedding, also in training: a centre loss on it is that of the embedding.

    Reference: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting, JMLR 2014.

    Args:
        num_classes: K.
        in_channels: Width d of the embedding, after a neck that pools.
        dropout: Share of the embedding that an image loses, in [0, 1).
        **kwargs: Those of :class:`mmpretrain.models.heads.LinearClsHead`.
    """

    def __init__(self, num_classes: int, in_channels: int, dropout: float = 0.3, **kwargs: Any) -> None:
        super().__init__(num_classes, in_channels, **kwargs)
        if not 0 <= dropout < 1:
            raise UserError(f'dropout must lie in [0, 1), got {dropout}')
        self.dropout = nn.Dropout(dropout)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return logits, (N, K)."""
        logits: Tensor = self.fc(self.dropout(self.pre_logits(feats)))
        return logits
