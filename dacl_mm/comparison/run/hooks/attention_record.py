"""What the attention does over the epochs, on the same images each time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dacl_mm.datasets.wrappers import leaf_datasets
from dacl_mm.engine.attention import describe_attention
from dacl_mm.errors import UserError
from dacl_mm.evaluation.attention.statistics import input_share
from dacl_mm.evaluation.robustness.corrupt import LOADERS
from dacl_mm.models.attention import find_attention

RECORD = 'attention_record'  # in the message hub, hence in checkpoints
DIAGNOSIS = 'attention_diagnosis'  # what A depends on at the end of training; likewise
START = 'attention_record_start'  # A before training, (N, d); likewise


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[None]:
    """Normalise by the batch, as in training, and leave the running statistics alone."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    kept = [(m.training, m.track_running_stats, m.running_mean, m.running_var) for m in norms]
    for m in norms:
        m.train()
        m.track_running_stats, m.running_mean, m.running_var = False, None, None
    try:
        yield
    finally:
        for m, (training, track, mean, var) in zip(norms, kept):
            m.train(training)
            m.track_running_stats, m.running_mean, m.running_var = track, mean, var


def describe(attention: Tensor, start: Tensor, bins: int = 50) -> dict[str, Any]:
    """Describe A, (N, d), against its start, (N, d).

    Returns:
        ``mean``, ``spread`` (standard deviation over everything), ``share_above_half``,
        ``shift`` (mean |A - start|), ``correlation`` with the start (0 where that was one
        number everywhere), ``input_share``
        (how much of A's variance lies between the images within a dimension; the rest
        is a fixed weight of each dimension) and ``histogram`` (shares of equal bins of
        [0, 1]).
    """
    pair = torch.stack([attention.flatten(), start.flatten()])
    histogram = torch.histc(attention, bins, 0, 1) / attention.numel()
    return dict(
        mean=attention.mean().item(),
        spread=attention.std(unbiased=False).item(),
        share_above_half=(attention > 0.5).float().mean().item(),
        shift=(attention - start).abs().mean().item(),
        correlation=torch.corrcoef(pair)[0, 1].nan_to_num().item(),
        input_share=input_share(attention.double().numpy()),
        histogram=histogram.tolist(),
    )


@HOOKS.register_module()
class AttentionRecordHook(Hook):
    """Record the attention before training and after each epoch, and what it depends on at the end.

    A is that of the same validation images each time, by their own batch statistics.
    The list of :func:`describe` goes to the message hub as ``attention_record``. A
    model without attention is left alone, and so is one whose A is not learned. After training
    ``attention_diagnosis`` says what A depends on (:func:`~dacl_mm.engine.attention.describe_attention`),
    by the running statistics; left out where the images lie on the device and nothing can be covered.

    Args:
        num_images: Images, spread evenly over the validation part.
    """

    # Before checkpoints are saved, so that they hold the record.
    priority = 'NORMAL'

    def __init__(self, num_images: int = 256) -> None:
        if num_images < 2:
            raise UserError(f'num_images must be at least 2, got {num_images}')
        self.num_images = num_images
        self._batch: dict[str, Any] | None = None

    def before_train(self, runner: Runner) -> None:
        if runner.iter == 0:
            self._record(runner, 0)

    def after_train_epoch(self, runner: Runner) -> None:
        self._record(runner, runner.epoch + 1)

    def after_train(self, runner: Runner) -> None:
        if not runner.message_hub.get_info(RECORD):
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        dataset, trained = (loader.dataset for loader in (runner.val_dataloader, runner.train_dataloader))
        plain, augmented = (next(leaf_datasets(images)).pipeline for images in (dataset, trained))
        if hasattr(dataset, 'get_data_info') and type(plain.transforms[0]).__name__ in LOADERS:
            found = describe_attention(model, dataset, plain, augmented, self.num_images, views=2)
            runner.message_hub.update_info(DIAGNOSIS, found)

    @torch.no_grad()
    def _record(self, runner: Runner, epoch: int) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        attend = find_attention(model)
        if attend is None or next(attend.parameters(), None) is None or runner.val_loop is None:
            return
        if self._batch is None:
            self._batch = self._read(runner)
        training = model.training
        model.eval()
        with batch_statistics(model):
            inputs = model.data_preprocessor(self._batch)['inputs']
            attention = attend(model.backbone(inputs)[-1]).float().cpu()
        model.train(training)
        hub = runner.message_hub
        if epoch == 0:
            hub.update_info(START, attention)
        row = dict(epoch=epoch, **describe(attention, hub.get_info(START).cpu()))
        hub.update_info(RECORD, [*(hub.get_info(RECORD) or []), row])

    def _read(self, runner: Runner) -> dict[str, Any]:
        dataset = runner.val_dataloader.dataset
        index = np.unique(np.linspace(0, len(dataset) - 1, self.num_images).astype(int))
        return dict(pseudo_collate([dataset[int(i)] for i in index]))
