"""How much a model and its checkpoints weigh."""

from mmengine.optim import BaseOptimWrapper
from torch import nn

from .training_only import training_only, unwrapped


def describe_size(model: nn.Module, optim_wrapper: BaseOptimWrapper) -> str:
    """Say the parameters of a model, and about the size of a checkpoint of its training."""
    parameters = sum(p.numel() for p in model.parameters())
    left_out = training_only(model)
    sizes = {
        name: value.numel() * value.element_size() for name, value in unwrapped(model).state_dict().items()
    }
    whole = sum(sizes.values())
    best = sum(size for name, size in sizes.items() if not name.startswith(left_out))
    for group in optim_wrapper.param_groups:
        # Adam and its kin keep two moments of a parameter, SGD one if it has momentum.
        moments = 2 if 'betas' in group else int(group.get('momentum', 0) > 0)
        whole += moments * sum(p.numel() * p.element_size() for p in group['params'])
    return (
        f'model: {parameters / 1e6:.1f} M parameters; a checkpoint takes about {whole / 1e6:.0f} MB, '
        f'the best one {best / 1e6:.0f} MB'
    )
