"""What a user of MMPretrain does who has this package imported, or not: python host.py FOLDER [dacl_mm]

Writes everything that comes of it to FOLDER/found.pt.
"""

import hashlib
import importlib
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, load_checkpoint, save_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from mmpretrain import ImageClassificationInferencer
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from PIL import Image
from torch.optim import SGD

folder = Path(sys.argv[1])
for package in sys.argv[2:]:
    importlib.import_module(package)
torch.set_num_threads(1)

SMALL_VIT = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
MODELS_OF_THE_HOST = dict(
    resnet=dict(
        backbone=dict(type='ResNet', depth=18),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=512, loss=dict(type='CrossEntropyLoss')),
    ),
    arcface=dict(
        backbone=dict(type='ResNet', depth=18),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='ArcFaceClsHead', num_classes=5, in_channels=512),
    ),
    vit=dict(
        backbone=dict(type='VisionTransformer', arch=SMALL_VIT, img_size=64, patch_size=16),
        head=dict(type='VisionTransformerClsHead', num_classes=5, in_channels=32),
    ),
)
CONFIG = """
default_scope = 'mmpretrain'
model = dict(
    type='ImageClassifier', backbone=dict(type='ResNet', depth=18), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=512))
data_preprocessor = dict(num_classes=2, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True)
pipeline = [
    dict(type='LoadImageFromFile'), dict(type='RandomResizedCrop', scale=48),
    dict(type='ColorJitter', brightness=0.4), dict(type='PackInputs')]
loader = dict(
    batch_size=4, num_workers=1, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CustomDataset', data_root={root!r}, pipeline=pipeline))
train_dataloader, val_dataloader, test_dataloader = loader, loader, loader
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
val_cfg, test_cfg = dict(), dict()
val_evaluator = dict(type='Accuracy', topk=1)
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = dict(type='CosineAnnealingLR', T_max=2)
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1, save_best='auto'))
randomness = dict(seed=3)
work_dir = {work!r}
"""


def step(cfg: dict, name: str) -> dict:
    """Train one step, save, load into another model and predict."""
    found = {}
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.manual_seed(0)
        np.random.seed(0)
        model = MODELS.build(dict(type='ImageClassifier', **cfg))
        other = MODELS.build(dict(type='ImageClassifier', **cfg))
    model.init_weights()
    images = torch.rand(4, 3, 64, 64)
    samples = [DataSample().set_gt_label(i) for i in range(4)]
    optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
    losses = model(images, samples, mode='loss')
    sum(losses.values()).backward()
    optimizer.step()
    found['losses'] = {key: value.detach() for key, value in losses.items()}
    found['weights'] = {key: value.clone() for key, value in model.state_dict().items()}
    save_checkpoint(dict(meta=dict(epoch=1), state_dict=model.state_dict()), str(folder / f'{name}.pth'))
    load_checkpoint(other, str(folder / f'{name}.pth'))
    other.eval()
    with torch.no_grad():
        found['scores'] = torch.stack(
            [sample.pred_score for sample in other(images, samples, mode='predict')]
        )
    found['random'] = torch.rand(3), np.random.rand(3)
    return found


def runner() -> dict:
    """Train two epochs by mmengine's runner, and predict by MMPretrain's inferencer."""
    rng = np.random.default_rng(0)
    for name in ('a', 'b'):
        (folder / 'data' / name).mkdir(parents=True, exist_ok=True)
        for i in range(6):
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f'data/{name}/{i}.png')
    (folder / 'config.py').write_text(CONFIG.format(root=str(folder / 'data'), work=str(folder / 'work')))
    trained = Runner.from_cfg(Config.fromfile(folder / 'config.py'))
    trained.train()
    scalars = {k: v.data for k, v in trained.message_hub.log_scalars.items() if 'time' not in k}
    weights = torch.load(folder / 'work/epoch_2.pth', weights_only=False)  # the host's own
    plain = str(folder / 'plain.pth')
    save_checkpoint(dict(meta={}, state_dict=trained.model.state_dict()), plain)
    inferencer = ImageClassificationInferencer(str(folder / 'config.py'), pretrained=plain, device='cpu')
    (result,) = inferencer(str(folder / 'data/a/0.png'))
    return dict(
        scalars=scalars,
        weights=weights['state_dict'],
        keys=sorted(weights),
        files=sorted(path.name for path in (folder / 'work').glob('*.pth')),
        hooks=trained.get_hooks_info(),
        scores=result['pred_scores'],
    )


def files() -> dict:
    """Load files that are none of MMPretrain's."""
    found = {}
    for name, content in dict(list=[1, 2], tensor=torch.arange(3), bare=dict(w=torch.ones(2))).items():
        torch.save(content, folder / f'{name}.pth')
        found[name] = CheckpointLoader.load_checkpoint(str(folder / f'{name}.pth'), 'cpu')
    torch.save(dict(own=DataSample()), folder / 'own.pth')
    with torch.serialization.safe_globals([DataSample]):
        found['own'] = type(CheckpointLoader.load_checkpoint(str(folder / 'own.pth'), 'cpu')['own']).__name__
    for name, allowed in dict(refused='0', allowed='1').items():
        os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] = allowed
        try:
            its = CheckpointLoader.load_checkpoint(str(folder / 'work/epoch_2.pth'), 'cpu')
            found[name] = sorted(its)
        except pickle.UnpicklingError:
            found[name] = 'UnpicklingError'
    del os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD']
    try:
        CheckpointLoader.load_checkpoint(str(folder / 'missing.pth'), 'cpu')
    except FileNotFoundError:
        found['missing'] = 'FileNotFoundError'
    return found


found = {name: step(cfg, name) for name, cfg in MODELS_OF_THE_HOST.items()}
found['runner'] = runner()
found['files'] = files()
found['environment'] = hashlib.sha256(repr(sorted(os.environ.items())).encode()).hexdigest()
with open(folder / 'found.pkl', 'wb') as file:
    pickle.dump(found, file)
