"""The same initial weights for methods that are compared."""

import re
import zlib
from collections.abc import Iterator

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import nn

from dacl_mm.errors import UserError


def role(name: str, module: nn.Module, num_classes: int | None) -> str:
    """Name what a module is for, whatever the head it is wrapped in.

    The layer that maps to the classes is the ``classifier`` in every head; a head
    inside a head (``head.head.fc``) counts as that head (``head.fc``).
    """
    if isinstance(module, nn.Linear) and module.out_features == num_classes:
        return 'classifier'
    return re.sub(r'^(head\.)+', 'head.', name)


def roots(module: nn.Module, name: str) -> Iterator[tuple[str, BaseModule]]:
    """Yield the outermost modules below ``module`` that have an ``init_cfg``."""
    if isinstance(module, BaseModule) and module.init_cfg:
        yield name, module
        return
    for child_name, child in module.named_children():
        yield from roots(child, f'{name}.{child_name}' if name else child_name)


@HOOKS.register_module()
class PairedInitHook(Hook):
    """Draw every module's initial weights from (seed, the module's role) alone.

    A method with an attention network then starts from the same backbone, the same
    classifier and, where it has them, the same centres as one without. Does nothing
    when training resumes.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Initialise anew.

        Raises:
            UserError: If weights were loaded (``load_from``), which this would undo.
        """
        if runner.iter > 0:
            return
        if runner.cfg.get('load_from'):
            raise UserError(
                'PairedInitHook draws the initial weights, but load_from is set: give the backbone by '
                'model.backbone.init_cfg.checkpoint instead'
            )
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        num_classes = getattr(model.head, 'num_classes', None)
        with torch.random.fork_rng():
            for name, module in model.named_modules():
                if hasattr(module, 'reset_parameters'):
                    self._seed(runner.seed, role(name, module, num_classes))
                    module.reset_parameters()
            for name, module in roots(model, ''):
                self._seed(runner.seed, role(name, module, num_classes))
                for child in module.modules():
                    if isinstance(child, BaseModule):
                        child.is_init = False
                module.init_weights()

    @staticmethod
    def _seed(seed: int, name: str) -> None:
        # Seeds of different modules must not be near each other: CRC mixes them.
        torch.manual_seed(zlib.crc32(f'{seed} {name}'.encode()))
