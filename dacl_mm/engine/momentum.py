"""The momentum that fused SGD starts with."""

import torch


def start_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Give fused SGD a momentum of zero, from which its first step is the same bit for bit.

    It allocates the momentum in its first step without a value, and writes none where a loss scaler has met
    an infinite gradient, as in most first steps in float16: what lay in that memory then enters
    the weights at the second step (torch 2.15, ``torch.optim.sgd._fused_sgd``).

    Args:
        optimizer: Any; others than fused SGD are left alone.
    """
    if not isinstance(optimizer, torch.optim.SGD):
        return
    for group in optimizer.param_groups:
        if group.get('fused') and group['momentum'] and not group['dampening']:
            for parameter in group['params']:
                if parameter.requires_grad:
                    optimizer.state[parameter]['momentum_buffer'] = torch.zeros_like(parameter)
