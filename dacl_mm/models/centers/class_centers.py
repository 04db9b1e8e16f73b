"""Class centres that the loss trains."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from dacl_mm.errors import UserError

#: What an older batch counts for in the class means, of each newer one: the embedding still moves fast.
KEEP = 0.99


class ClassCenters(nn.Module):
    """Class centres as a parameter, and the class means that they are set to once.

    Base of the modules that turn embeddings into a score per class. They start at 0, and
    :class:`~dacl_mm.engine.hooks.ClassMeansHook` sets them to the class means of the first epoch:
    a class of a few images is not left behind. The parameters of such a module are to have no weight
    decay, which would pull a rare class's centre to 0.

    Args:
        num_classes: K.
        feat_channels: Width d of the embedding.

    Attributes:
        collecting: Whether :meth:`collect` adds up; the hook turns it on and off.
    """

    sums: Tensor  # (K, d)
    counts: Tensor  # (K,)

    def __init__(self, num_classes: int, feat_channels: int) -> None:
        super().__init__()
        if num_classes < 1 or feat_channels < 1:
            raise UserError(
                'num_classes and feat_channels must be positive, got '
                f'num_classes={num_classes}, feat_channels={feat_channels}'
            )
        self.num_classes = num_classes
        self.feat_channels = feat_channels
        self.weight = nn.Parameter(torch.zeros(num_classes, feat_channels))
        # In checkpoints: a run that is resumed within the first epoch goes on with them.
        self.register_buffer('sums', torch.zeros(num_classes, feat_channels))
        self.register_buffer('counts', torch.zeros(num_classes))
        self.collecting = False

    def reset_parameters(self) -> None:
        """Start anew: centres and sums at 0."""
        for tensor in (self.weight, self.sums, self.counts):
            nn.init.zeros_(tensor)

    @torch.no_grad()
    def collect(self, embedding: Tensor, target: Tensor) -> None:
        """Add a training batch to the class means, the older ones fading.

        Args:
            embedding: (N, d).
            target: Shares of the classes, (N, K).
        """
        if not self.collecting:
            return
        with torch.autocast(embedding.device.type, enabled=False):
            self.sums.mul_(KEEP).add_(target.T @ embedding)
        self.counts.mul_(KEEP).add_(target.sum(0))

    @torch.no_grad()
    def set_to_means(self) -> None:
        """Set the centres to the class means over all ranks; a class without image keeps its own."""
        all_reduce(self.sums)
        all_reduce(self.counts)
        means = self.sums / self.counts.clamp_min(1e-12).unsqueeze(1)
        self.weight.copy_(torch.where(self.counts.unsqueeze(1) > 0, means, self.weight))
        self.sums.zero_()
        self.counts.zero_()

    def penalty(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return what is added to the cross-entropy of the scores, a scalar; 0 here.

        Args:
            scores: What :meth:`forward` gave, (N, K).
            target: Shares of the classes, (N, K).
        """
        return scores.new_zeros(())

    def forward(self, embedding: Tensor, attention: Tensor) -> Tensor:
        """Map embeddings z, (N, d), and weights A of mean 1, (N, d), to scores, (N, K)."""
        raise NotImplementedError
