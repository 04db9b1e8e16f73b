"""How frequent the classes are in training."""

import torch
from torch import Tensor, nn

from dacl_mm.errors import UserError


class ClassPrior(nn.Module):
    """Holds the classes' shares of the training images for losses that need them.

    :class:`~dacl_mm.engine.hooks.ClassPriorHook` sets them before training. They are those of
    the data set: a sampler that balances the classes shows others to the model.

    Args:
        num_classes: K.
    """

    share: Tensor  # (K,)

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer('share', torch.full((num_classes,), 1 / num_classes))
        self.known = False

    @torch.no_grad()
    def set(self, share: Tensor) -> None:
        """Set the shares, (K,).

        Raises:
            UserError: If they are of another number of classes.
        """
        if share.shape != self.share.shape:
            raise UserError(
                f'the head has {len(self.share)} classes and the data set {len(share)}: num_classes of the '
                "head and the data set's classes disagree"
            )
        self.share.copy_(share)
        self.known = True

    def forward(self) -> Tensor:
        """Return the shares, (K,).

        Raises:
            UserError: If nobody has set them.
        """
        if not self.known:
            raise UserError(
                "this loss needs the classes' shares of the training images: add "
                "dict(type='ClassPriorHook') to custom_hooks"
            )
        return self.share
