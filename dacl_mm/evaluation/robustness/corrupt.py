"""Corruptions in the place where a camera would make them: after the image is loaded."""

import zlib
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS

from dacl_mm.errors import UserError

from .corruptions import CORRUPTIONS, STRENGTHS

#: What begins a pipeline.
LOADERS = ('LoadFace', 'DrawFace', 'LoadImageFromFile')


@TRANSFORMS.register_module()
class Corrupt(BaseTransform):
    """Corrupt an image, always in the same way.

    What is drawn depends on the seed, the kind and the image's place in its data set alone, so it is the
    same in any batch and any order; the strengths of a kind draw alike, and only more of it happens.

    Required and modified key: ``img``, BGR, uint8, (H, W, 3). Looked at: ``sample_idx``.

    Args:
        kind: One of :data:`~dacl_mm.evaluation.robustness.corruptions.CORRUPTIONS`.
        strength: 1 to 5.
        seed: Of all draws.

    Raises:
        UserError: If there is no such kind or strength.
    """

    #: It seeds itself.
    random = False

    def __init__(self, kind: str, strength: int, seed: int = 0) -> None:
        if kind not in CORRUPTIONS:
            raise UserError(f'kind of Corrupt must be one of {", ".join(CORRUPTIONS)}, got {kind!r}')
        if strength not in STRENGTHS:
            raise UserError(f'strength of Corrupt must be a whole number from 1 to 5, got {strength!r}')
        self.kind, self.strength, self.seed = kind, strength, seed

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Corrupt the image."""
        corruption = CORRUPTIONS[self.kind]
        entropy = (self.seed, zlib.crc32(self.kind.encode()), results.get('sample_idx', 0))
        amount = corruption.amounts[self.strength - 1]
        results['img'] = corruption.apply(results['img'], amount, np.random.default_rng(entropy))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(kind={self.kind!r}, strength={self.strength}, seed={self.seed})'


def after_loading(pipeline: Compose, transform: BaseTransform) -> Compose:
    """Return a pipeline with one more transform, behind that which loads the image.

    Raises:
        UserError: If it begins with something else.
    """
    first, *rest = pipeline.transforms or [None]
    if type(first).__name__ not in LOADERS:
        raise UserError(
            f'the pipeline of the tested data set begins with {type(first).__name__}: images are changed '
            f'after one of {", ".join(LOADERS)}'
        )
    return Compose([first, transform, *rest])
