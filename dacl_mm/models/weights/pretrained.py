"""Backbone weights from other projects' files."""

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from mmengine.model import initialize, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from dacl_mm.errors import UserError
from dacl_mm.text import printable
from dacl_mm.unpickling import unpickling_forbidden

PREFIXES = ('module.', 'backbone.', 'feature_extractor.')
CLASSIFIERS = ('fc.', 'feature.', 'head.')


def torchvision_state_dict(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Reduce a checkpoint to tensors under torchvision's ResNet names.

    Accepts a bare state dict or one under ``state_dict`` / ``model_state_dict``
    / ``model``, with any of :data:`PREFIXES` in front; a layer named by
    :data:`CLASSIFIERS` (``fc``, MS-Celeb's ``module.feature``) stays under its
    name. Everything that is no tensor is left out.
    """
    for key in ('state_dict', 'model_state_dict', 'model'):
        if isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
            break
    weights = {}
    for name, value in checkpoint.items():
        while name.startswith(PREFIXES):
            name = name.split('.', 1)[1]
        if isinstance(value, Tensor):
            weights[name] = value
    return weights


def load_backbone(
    backbone: nn.Module, checkpoint: Mapping[str, Any], source: str, min_matched: float = 0.9
) -> None:
    """Copy the weights that match by name and shape into a backbone.

    Logs how many tensors matched, and names those missing and unused.

    Raises:
        UserError: If under ``min_matched`` of the backbone's tensors matched;
            the backbone is unchanged then.
    """
    weights = torchvision_state_dict(checkpoint)
    # Counters of batches hold no weights, and old files lack them.
    own = {k: v for k, v in backbone.state_dict().items() if not k.endswith('num_batches_tracked')}
    matched = {k: weights[k] for k, v in own.items() if k in weights and weights[k].shape == v.shape}
    missing = [k for k in own if k not in matched]
    unused = [k for k in weights if k not in own and not k.endswith('num_batches_tracked')]
    classifier = [k for k in unused if k.startswith(CLASSIFIERS)]
    wrong_shape = [k for k in missing if k in weights]
    report = (
        f'{source}: {len(matched)} of {len(own)} backbone tensors matched\n'
        f'  missing: {", ".join(missing) or "none"}\n'
        f'  of another shape: {", ".join(wrong_shape) or "none"}\n'
        f'  unused: {printable(", ".join(unused)) or "none"}'
        + (' (classification layers are left out on purpose)' if classifier else '')
    )
    if len(matched) < min_matched * len(own):
        raise UserError(
            f'{report}\nunder {min_matched:.0%} of the backbone would be loaded: the file is of '
            'another architecture, or its keys carry a prefix that is not known '
            f'({", ".join(PREFIXES)})'
        )
    backbone.load_state_dict(matched, strict=False)
    print_log(report, logger='current')


@WEIGHT_INITIALIZERS.register_module()
class PretrainedBackbone:
    """``init_cfg`` type that loads torchvision- or MS-Celeb-style ResNet files.

    For a backbone with torchvision's names (MMPretrain's ResNet). Unlike
    ``Pretrained`` it says what was loaded and fails when little was.

    Args:
        checkpoint: File or URL; 'scratch' trains from scratch, and says so.
        min_matched: Least share of the backbone's tensors that must match.
        map_location: Device the file is read to.

    Raises:
        UserError: If too few tensors match, or the backbone would overwrite
            loaded weights (``zero_init_residual``).
    """

    def __init__(self, checkpoint: str = 'scratch', min_matched: float = 0.9, map_location: str = 'cpu'):
        self.checkpoint = checkpoint
        self.min_matched = min_matched
        self.map_location = map_location

    def __call__(self, module: nn.Module) -> None:
        if getattr(module, 'zero_init_residual', False):
            raise UserError(
                'set zero_init_residual=False in the backbone: MMPretrain would zero the last batch '
                'normalisation of each block after these weights are loaded'
            )
        if self.checkpoint == 'scratch':
            print_log(
                'no pretrained backbone given (FER_BACKBONE or model.backbone.init_cfg.checkpoint): '
                'training from scratch, which published numbers do not',
                logger='current',
                level=30,
            )
            initialize(
                module,
                [
                    dict(type='Kaiming', layer='Conv2d'),
                    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
                ],
            )
        else:
            with unpickling_forbidden():
                checkpoint = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
            load_backbone(module, checkpoint, self.checkpoint, self.min_matched)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'PretrainedBackbone: {self.checkpoint}')
