"""Class activation maps that do not depend on which way a face looks."""

from typing import Any

import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError
from dacl_mm.models.class_prior import ClassPrior

from .pooled_map_head import PooledMapHead


@MODELS.register_module()
class FlipConsistencyHead(PooledMapHead):
    """Linear classifier whose class activation maps agree with those of the mirrored image.

    ``CE + w mean_k b_k mean_hw (M_k - flip M'_k)^2``, M_k = sum_c W_kc map_c, M' that of the mirrored
    image (:class:`~dacl_mm.models.classifiers.FlipViewClassifier`). With b_k = 1 and w = 5 it is the
    loss of EAC [0]; a part of each image is to be erased, by ``RandomErasing`` in the pipeline. With
    ``balanced`` b_k = 1 / (10 prior_k), added up over the classes instead of averaged, w = 0.1 and
    ``RebalancedSmoothLoss`` it is that of MEK [1]. It moves the backbone alone: W has no gradient from
    it, as in both codes, where smaller weights would lower it too. Computed in float32.

    References:
        [0] Zhang et al., Learn From All: Erasing Attention Consistency for Noisy Label Facial
            Expression Recognition, ECCV 2022; code in zyh-uaiaaaa/Erasing-Attention-Consistency.
        [1] Zhang et al., Leave No Stone Unturned: Mine Extra Knowledge for Imbalanced Facial
            Expression Recognition, NeurIPS 2023; code in zyh-uaiaaaa/Mine-Extra-Knowledge.

    Args:
        num_classes: K.
        in_channels: Channels of the feature map, which is the embedding width d.
        consistency_weight: w.
        balanced: Whether rare classes' maps count for more.
        init_cfg: Initialisation. None keeps torch's default for the classifier.
        **kwargs: ``loss``, ``topk`` and ``cal_acc`` of :class:`mmpretrain.models.heads.LinearClsHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        consistency_weight: float = 5.0,
        balanced: bool = False,
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, init_cfg=init_cfg, **kwargs)
        if consistency_weight < 0:
            raise UserError(f'consistency_weight must not be negative, got {consistency_weight}')
        self.consistency_weight = consistency_weight
        self.prior = ClassPrior(num_classes) if balanced else None

    def activation_maps(self, feature_map: Tensor) -> Tensor:
        """Return M, (N, K, H, W), of a feature map (N, C, H, W)."""
        weight = self.fc.weight.detach().float()
        maps: Tensor = torch.einsum('kc,nchw->nkhw', weight, feature_map.float())  # M_k = sum_c W_kc map_c
        return maps

    def consistency(self, feature_map: Tensor, flipped: Tensor) -> Tensor:
        """Return the unweighted second part, a scalar, for the maps of both views, (N, C, H, W)."""
        with torch.autocast(feature_map.device.type, enabled=False):
            gap = self.activation_maps(feature_map) - self.activation_maps(flipped).flip(-1)
            by_class = gap.square().mean((0, 2, 3))  # (K,)
            if self.prior is None:
                return by_class.mean()
            weight: Tensor = 1 / (10 * self.prior())
            return (weight * by_class).sum()

    def loss(
        self,
        feats: tuple[Tensor, ...],
        data_samples: list[DataSample],
        flipped: tuple[Tensor, ...] | None = None,
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Return ``loss_cls`` and ``loss_consistency`` (weighted).

        Args:
            feats: Backbone outputs; the last is (N, C, H, W).
            data_samples: With ``gt_label`` or ``gt_score``.
            flipped: Those of the mirrored images.
            **kwargs: Passed on to the classification loss.

        Raises:
            UserError: If there are none of mirrored images.
        """
        if flipped is None:
            raise UserError("FlipConsistencyHead needs mirrored images: set model.type='FlipViewClassifier'")
        losses: dict[str, Tensor] = self._get_loss(self.fc(self.pre_logits(feats)), data_samples, **kwargs)
        losses['loss_cls'] = losses.pop('loss')
        losses['loss_consistency'] = self.consistency_weight * self.consistency(feats[-1], flipped[-1])
        return losses
