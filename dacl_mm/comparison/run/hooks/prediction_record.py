"""What a model says of each test image."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import collect_results
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from mmpretrain.registry import HOOKS
from torch import nn

from dacl_mm.files import write_atomic

FILE = 'predictions.npz'


@HOOKS.register_module()
class PredictionRecordHook(Hook):
    """Save ``predictions.npz`` after testing.

    Arrays, in the order of the test images: ``path`` (N,), ``label`` (N,), ``score``
    (N, K), ``embedding`` (N, d) and, where the model has them, ``centers`` (K, d).
    Several processes bring theirs together; an image that a sampler repeated to give
    each of them equally many counts once.
    """

    def before_test(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._model = model
        self._rows: list[tuple[Any, ...]] = []
        self._hook = model.backbone.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: Any, features: Any) -> None:
        self._features = features

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = ()
    ) -> None:
        features = self._features
        with autocast(enabled=runner.test_loop.fp16):  # as the loop computed them
            if getattr(self._model, 'with_neck', False):
                features = self._model.neck(features)
            embedding = self._model.head.pre_logits(features).float().cpu().numpy()
        for sample, x in zip(outputs, embedding, strict=True):
            score = sample.pred_score.float().cpu().numpy()
            self._rows.append((sample.img_path, int(sample.gt_label), score, x))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        # 'gpu' communicates; 'cpu' would leave files in the current folder.
        rows = collect_results(self._rows, len(runner.test_dataloader.dataset), 'gpu')
        if rows is None:  # not the main process
            return
        path, label, score, embedding = zip(*rows)
        arrays: dict[str, Any] = dict(
            path=np.array(path),
            label=np.array(label, np.int16),
            score=np.array(score, np.float32),
            embedding=np.array(embedding, np.float32),
        )
        loss = getattr(self._model.head, 'loss_center', None)
        if loss is not None:
            arrays['centers'] = loss.centers.detach().float().cpu().numpy()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomic(buffer.getvalue(), Path(runner.work_dir) / FILE)

    def after_test(self, runner: Runner) -> None:
        self._hook.remove()
        del self._rows, self._features
