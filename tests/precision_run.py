"""Small trainings in any precision, and what their centres should be."""

from contextlib import contextmanager

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS

from dacl_mm.config import load_config, set_options
from dacl_mm.engine.hooks.center_update import center_losses
from dacl_mm.engine.launch import build_runner

BATCH, STEPS, EPOCHS = 16, 8, 5


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(AmpOptimWrapper):
    """mmengine's float16 with loss scaling, which asserts a GPU, on a CPU."""

    def __init__(self, loss_scale=1024.0, **kwargs):
        OptimWrapper.__init__(self, **kwargs)
        self._scale_update_param = None
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=loss_scale)

    @contextmanager
    def optim_context(self, model):
        with OptimWrapper.optim_context(self, model), torch.autocast('cpu', torch.float16):
            yield


class CenterWitness(Hook):
    """Moves centres of its own in float64, by loops over what the loss has seen."""

    priority = 'HIGH'  # before CenterUpdateHook

    def before_train(self, runner):
        (self.loss,) = center_losses(runner.model)
        self.centers = self.loss.centers.numpy().astype(np.float64)
        self.dtypes = set()
        self._clear()

    def _clear(self):
        self._sum, self._count = np.zeros_like(self.centers), np.zeros(len(self.centers))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        batch = self.loss.last_batch
        self.dtypes |= {batch.embedding.dtype, batch.attention.dtype, self.loss.centers.dtype}
        for x, y, a in zip(batch.embedding.numpy(), batch.label.tolist(), batch.attention.numpy()):
            self._sum[y] += a.astype(np.float64) * (self.centers[y] - x)
            self._count[y] += 1
        if runner.optim_wrapper.should_update():
            self.centers -= self.loss.alpha * self._sum / (1 + self._count)[:, None]
            self._clear()


def small_config(tmp_path, name, **options):
    """A ResNet-18 with DACL on drawn faces of 32 px."""
    cfg = load_config('dacl_r18_synthetic')
    changes = {
        'train_dataloader.batch_size': BATCH,
        'train_dataloader.dataset.num_images': BATCH * STEPS,
        'train_dataloader.num_workers': 0,
        'val_dataloader.dataset.num_images': 28,
        'val_dataloader.num_workers': 0,
        'train_cfg.max_epochs': EPOCHS,
        'train_cfg.val_interval': EPOCHS,
        'param_scheduler.total_steps': EPOCHS,
        'param_scheduler.eta_max': 0.001,  # gentle: rounding grows slowly
        'optim_wrapper.optimizer.lr': 0.001,
        'model.head.attention.hidden_channels': [32, 16, 8],
        **options,
    }
    set_options(cfg, changes)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.pipeline[0].size = 36
        loader.dataset.pipeline[1].crop_size = 32
    cfg.visualizer = dict(type='UniversalVisualizer', vis_backends=[])
    cfg.work_dir = str(tmp_path / name)
    cfg.experiment_name = f'{name}_{tmp_path.name}'
    return cfg


def train(cfg):
    """Train; return the runner, its losses step by step, and the witness of its centres."""
    runner, witness = build_runner(cfg), CenterWitness()
    runner.register_hook(witness)
    runner.train()
    return runner, runner.message_hub.get_scalar('train/loss').data[0], witness
