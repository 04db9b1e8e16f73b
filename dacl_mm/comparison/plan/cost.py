"""What a method costs: parameters, operations, memory."""

import resource
import sys

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dacl_mm.config.device_pipeline import device_transforms
from dacl_mm.models.preprocessors.pipeline import BatchPipeline


def model_cost(cfg: Config, shape: tuple[int, ...]) -> dict[str, float]:
    """Count parameters and operations, on one image.

    Args:
        cfg: A complete config.
        shape: Of an input image, (C, H, W).

    Returns:
        ``train_parameters``: all that are trained. ``deploy_parameters``: those of
        the layers that a prediction evaluates. ``deploy_flops``: of one image, a
        multiplication and an addition counted as two.
    """
    init_default_scope('mmpretrain')
    model = MODELS.build({**cfg.model, 'data_preprocessor': None}).eval()
    image = torch.zeros(1, *shape)
    used: dict[nn.Module, int] = {}
    for module in model.modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        if own:
            module.register_forward_hook(lambda m, *_, own=own: used.__setitem__(m, own))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image, mode='tensor')
    return dict(
        train_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        deploy_parameters=sum(used.values()),
        deploy_flops=counter.get_total_flops(),
    )


def peak_memory() -> float:
    """Return the largest memory of this process so far, in bytes: of the GPU where there is one."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == 'darwin' else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def input_shape(cfg: Config) -> tuple[int, ...]:
    """Return the shape (C, H, W) of a test image as the network sees it, by reading one."""
    init_default_scope('mmpretrain')
    channels, *size = DATASETS.build(cfg.test_dataloader.dataset)[0]['inputs'].shape
    return channels, *BatchPipeline(device_transforms(cfg)).output_size(tuple(size))
