"""ArcFace under automatic mixed precision."""

from mmpretrain.models.heads import ArcFaceClsHead
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class FloatArcFaceHead(ArcFaceClsHead):
    """MMPretrain's ArcFace, which also takes embeddings that autocast has left in half precision.

    Upstream's leaves autocast for its angles, and then multiplies those embeddings by weights in
    float32, which torch refuses (mmpretrain 1.2.0). Weights and predictions are those of ``ArcFaceClsHead``.

    Reference: Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019.
    """

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the embedding, (N, d), in the precision of the weights."""
        embedding: Tensor = super().pre_logits(feats).to(self.norm_product.weight.dtype)
        return embedding
