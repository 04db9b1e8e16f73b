"""A classifier that shows its head every training image and its mirror image."""

from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor


@MODELS.register_module()
class FlipViewClassifier(ImageClassifier):
    """MMPretrain's classifier, whose head's ``loss`` gets the features of mirrored images as well.

    Both views pass the backbone one after the other, as EAC and MEK do: batch normalisation sees each
    by itself. A training step costs about twice as much; predictions are those of ``ImageClassifier``.
    """

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return the head's losses for images (N, 3, H, W)."""
        feats = self.extract_feat(inputs)
        flipped = self.extract_feat(inputs.flip(-1))
        losses: dict[str, Tensor] = self.head.loss(feats, data_samples, flipped=flipped)
        return losses
