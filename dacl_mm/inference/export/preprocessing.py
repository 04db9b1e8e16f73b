"""What is done to a crop before the network sees it, in words that a bundle stores."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS, TRANSFORMS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import device_transforms, preprocessor_config
from dacl_mm.datasets.images import LoadFace
from dacl_mm.datasets.synthetic.draw_face import DrawFace
from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import BatchPreprocessor

Step = dict[str, Any]


def host_pipeline(cfg: Config) -> list[dict[str, Any]]:
    """Return the pipeline of the test, with the transforms that are done on the device.

    ``config.device_pipeline`` moves them there; in a bundle each image goes through them by itself.

    Args:
        cfg: A complete config.

    Raises:
        UserError: If the data preprocessor is neither MMPretrain's nor ours.
    """
    kind = preprocessor_config(cfg).get('type', 'ClsDataPreprocessor')
    if MODELS.get(kind) not in (ClsDataPreprocessor, BatchPreprocessor):
        raise UserError(
            f'data_preprocessor is {kind}: only ClsDataPreprocessor and BatchPreprocessor can be exported'
        )
    *pipeline, last = next(data_sets(cfg.test_dataloader.dataset)).pipeline
    moved = device_transforms(cfg)
    return [*pipeline, *moved, dict(last, type='PackInputs') if moved else last]


def describe_steps(pipeline: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Return the steps from a crop of any size to the network's input.

    Args:
        pipeline: Configs of a test pipeline: what reads an image, what changes its size, PackInputs.

    Returns:
        In turn ``dict(grey=True)``, ``dict(resize=[width, height])``, ``dict(resize_short=length)`` or
        ``dict(center_crop=[width, height])``; resizing is Pillow's bilinear.

    Raises:
        UserError: If a transform is another, or resizes in another way.
    """
    first, *rest = pipeline
    steps: list[Step] = []
    if TRANSFORMS.get(first['type']) is DrawFace:  # the rest counts on the size of its drawings
        side = first.get('size', 64)
        steps.append(dict(resize=[side, side]))
    elif TRANSFORMS.get(first['type']) is not LoadFace and first['type'] != 'LoadImageFromFile':
        raise _unknown(first)
    elif first.get('grey'):
        steps.append(dict(grey=True))
    return [*steps, *(_describe(transform) for transform in rest[:-1])]


def _describe(transform: Mapping[str, Any]) -> Step:
    options = {key: value for key, value in transform.items() if key != 'type'}
    kind = transform['type']
    if kind in ('Resize', 'ResizeEdge'):
        how = options.pop('backend', 'cv2'), options.pop('interpolation', 'bilinear')
        if how != ('pillow', 'bilinear'):
            raise _unknown(transform)
        scale = options.pop('scale', None)
        if kind == 'Resize' and not options.pop('keep_ratio', False) and scale and not options:
            return dict(resize=_pair(scale))
        if kind == 'ResizeEdge' and options.pop('edge', 'short') == 'short' and not options:
            return dict(resize_short=scale)
    elif kind == 'CenterCrop' and options.keys() == {'crop_size'}:
        return dict(center_crop=_pair(options['crop_size']))
    raise _unknown(transform)


def _pair(size: int | Sequence[int]) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


def _unknown(transform: Mapping[str, Any]) -> UserError:
    return UserError(
        f'test_dataloader.dataset.pipeline has {dict(transform)}, which a bundle cannot do: it knows '
        "LoadFace, DrawFace, CenterCrop(crop_size), and Resize(scale) and ResizeEdge(scale, edge='short') "
        "with backend='pillow'"
    )
