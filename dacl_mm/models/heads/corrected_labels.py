"""Labels of training images that a model has corrected."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

#: An image that has its own label still.
KEPT = -1


class CorrectedLabels(nn.Module):
    """Class indices by training image, in checkpoints as the weights are.

    Empty until :meth:`make_room`, or a checkpoint that holds some, tells how many images there are.
    """

    new: Tensor  # class index, -1 for an image's own, (M,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('new', torch.empty(0, dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.new)

    def make_room(self, count: int) -> None:
        """Begin with ``count`` images, all of which have their own label."""
        self.new = self.new.new_full((count,), KEPT)

    def of(self, index: Tensor, label: Tensor) -> Tensor:
        """Return the labels that hold for images of some indices, (N,), and their own labels, (N,)."""
        new = self.new[index]
        return torch.where(new == KEPT, label, new)

    @torch.no_grad()
    def correct(self, index: Tensor, label: Tensor) -> None:
        """Note new labels, (N,), of images of some indices, (N,)."""
        self.new[index] = label

    def gather(self) -> int:
        """Bring the labels of all processes together; returns how many have been corrected.

        Of two corrections of one image the larger class index holds.
        """
        all_reduce(self.new, 'max')
        return int((self.new != KEPT).sum())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if (saved := state_dict.get(f'{prefix}new')) is not None:
            self.make_room(len(saved))
        super()._load_from_state_dict(state_dict, prefix, *args)
