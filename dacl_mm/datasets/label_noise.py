"""Wrong labels for training, on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from mmengine.logging import print_log

from dacl_mm.errors import UserError
from dacl_mm.files import digest

KINDS = ('symmetric', 'votes')


@dataclass(frozen=True)
class LabelNoise:
    """The option ``label_noise`` of data sets: the same wrong labels for every method and every run's seed.

    'symmetric' gives a fixed share of the images the label of another class, each of them as likely as the
    next (the protocol of SCN: Wang et al., CVPR 2020, section 4.3). 'votes' draws every label from the
    image's own distribution of votes: what one voter would have said.

    Args:
        kind: 'symmetric' or 'votes'.
        share: Share of the images whose label 'symmetric' changes, in [0, 1).
        seed: Of the draws.
    """

    kind: str
    share: float = 0.0
    seed: int = 0

    @classmethod
    def of(cls, option: Mapping[str, Any], split: str, test_mode: bool) -> 'LabelNoise':
        """Read the option.

        Raises:
            UserError: If a key or a value is none of those above, or the images are not for training.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(option, Mapping) or set(option) - set(known) or 'kind' not in option:
            raise UserError(f'label_noise must be None or a dict of {", ".join(known)}, got {option!r}')
        self = cls(**option)
        if self.kind not in KINDS:
            raise UserError(f'label_noise.kind must be one of {", ".join(KINDS)}, got {self.kind!r}')
        number = isinstance(self.share, int | float) and 0 <= self.share < 1
        if not number or (self.share and self.kind == 'votes'):
            raise UserError(
                f'label_noise.share must lie in [0, 1), and is for symmetric noise, got {self.share!r}'
            )
        if split not in ('train', 'trainval') or test_mode:
            raise UserError(
                f'label_noise is for training images, and split is {split!r}, test_mode {test_mode}: what is '
                'validated and tested keeps its labels'
            )
        return self

    def apply(self, label: np.ndarray, num_classes: int, votes: np.ndarray | None = None) -> np.ndarray:
        """Return noisy labels, (N,), and say in the log how many changed.

        Args:
            label: Class indices, (N,).
            num_classes: K, at least 2.
            votes: Shares of the votes, (N, K), or None.

        Raises:
            UserError: If votes are asked for and there are none, or the other way round.
        """
        if (votes is None) == (self.kind == 'votes'):
            raise UserError(
                "label_noise.kind='votes' draws from votes (label_mode='votes' of FER+), and 'symmetric' "
                "changes hard labels (label_mode='majority')"
            )
        rng = np.random.default_rng(self.seed)
        if votes is None:
            noisy = label.copy()
            chosen = rng.permutation(len(label))[: round(self.share * len(label))]
            noisy[chosen] = (label[chosen] + rng.integers(1, num_classes, len(chosen))) % num_classes
        else:
            edges = votes.cumsum(1)[:, :-1]  # of the classes' intervals; what is left is the last one's
            noisy = (rng.random((len(label), 1)) >= edges).sum(1).astype(label.dtype)
        changed = np.flatnonzero(noisy != label)
        print_log(
            f'label_noise: {len(changed):,} of {len(label):,} training labels changed ({self.kind}, seed '
            f'{self.seed}, fingerprint {digest([changed.tobytes(), noisy[changed].tobytes()])[:12]})',
            logger='current',
        )
        return noisy
