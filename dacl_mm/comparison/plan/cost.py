"""What a method costs: parameters, operations, time, memory."""

import resource
import sys
import time

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def model_cost(cfg: Config, shape: tuple[int, ...]) -> dict[str, float]:
    """Count parameters and operations; computes with shapes alone.

    Args:
        cfg: A complete config.
        shape: Of an input image, (C, H, W).

    Returns:
        ``train_parameters``: all that are trained. ``deploy_parameters``: those of
        the layers that a prediction evaluates. ``deploy_flops``: of one image, a
        multiplication and an addition counted as two.
    """
    init_default_scope('mmpretrain')
    model = MODELS.build({**cfg.model, 'data_preprocessor': None}).to('meta').eval()
    image = torch.empty(1, *shape, device='meta')
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
    """Return the shape (C, H, W) of a test image, by reading one."""
    init_default_scope('mmpretrain')
    return tuple(DATASETS.build(cfg.test_dataloader.dataset)[0]['inputs'].shape)


def estimate_seconds(cfg: Config, steps: int = 3) -> float:
    """Estimate how long training takes here, from a few timed steps on real images.

    Loading beyond the first batch, validation and the test are not in it.
    """
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    size = cfg.train_dataloader.batch_size
    batch = pseudo_collate([dataset[i % len(dataset)] for i in range(size)])
    samples: list[DataSample] = batch['data_samples']
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor}).to(device)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    times = []
    for _ in range(steps + 1):
        begin = time.perf_counter()
        model.train_step(dict(inputs=batch['inputs'], data_samples=samples), wrapper)
        if device.type == 'cuda':
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return float(min(times[1:]) * (len(dataset) // size) * cfg.train_cfg.max_epochs)
