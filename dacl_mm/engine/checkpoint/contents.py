"""What the checkpoints of a training hold."""

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import mmengine
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from .changes import config_values
from .run import RUN_ID
from .scalars import written_scalars
from .training_only import training_only


class Contents:
    """Gathers what mmengine's ``Runner.save_checkpoint`` writes, without copying or writing it.

    The tensors are those of model and optimizer, on their device: training changes them.

    Args:
        runner: The runner, in training.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def whole(
        self, meta: dict[str, Any], optimizer: bool, schedulers: bool, processes: Sequence[Any] = ()
    ) -> dict[str, Any]:
        """Return everything that training needs to go on.

        Args:
            meta: ``epoch`` and ``iter`` that have been trained.
            optimizer: Whether to hold its state.
            schedulers: Whether to hold their state.
            processes: What each process holds (:func:`~.process.process_state`).
        """
        runner = self._runner
        runner.call_hook('before_gathering')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        meta = meta | dict(
            cfg=self._config,
            seed=runner.seed,
            experiment_name=runner.experiment_name,
            time=time.strftime('%Y%m%d_%H%M%S'),
            mmengine_version=mmengine.__version__,
            config_values=config_values(runner.cfg.to_dict()),
        )
        meta[RUN_ID] = runner.message_hub.get_info(RUN_ID)
        if hasattr(runner.train_dataloader.dataset, 'metainfo'):
            meta['dataset_meta'] = runner.train_dataloader.dataset.metainfo
        checkpoint = dict(
            meta=meta, state_dict=model.state_dict(), message_hub=runner.message_hub.state_dict()
        )
        if processes:
            checkpoint['processes'] = list(processes)
            meta['scalars'] = written_scalars(runner)
        if optimizer:
            checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
        if schedulers and runner.param_schedulers is not None:
            checkpoint['param_schedulers'] = _states(runner.param_schedulers)
        runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        return checkpoint

    def predicting(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Return meta and the weights that take part in predictions."""
        whole = self.whole(meta, optimizer=False, schedulers=False)
        weights, left_out = whole['state_dict'], training_only(self._runner.model)
        for name in [name for name in weights if name.startswith(left_out)]:
            del weights[name]
        return dict(meta=whole['meta'], state_dict=weights)

    @cached_property
    def _config(self) -> str:
        text: str = self._runner.cfg.pretty_text  # formatting it takes 0.1 s
        return text


def _states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):  # those of several optimizers
        return {name: _states(its) for name, its in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]
