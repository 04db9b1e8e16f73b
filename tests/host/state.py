"""Prints what an import changes in a process of MMPretrain, as JSON: python state.py dacl_mm"""

import csv
import importlib
import json
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings

import cv2
import matplotlib.pyplot
import mmengine.evaluator
import mmengine.registry
import mmengine.runner
import mmpretrain.apis
import mmpretrain.datasets
import mmpretrain.engine
import mmpretrain.evaluation
import mmpretrain.models
import mmpretrain.registry
import mmpretrain.visualization
import numpy as np
import PIL.Image
import PIL.ImageFile
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope, Registry
from mmengine.runner.checkpoint import CheckpointLoader
from mmpretrain.apis.model import ModelHub

MODULES = (
    mmengine.runner, mmengine.runner.checkpoint, mmengine.hooks, mmengine.model, mmengine.evaluator,
    mmengine.dataset, mmengine.fileio, mmengine.config, mmpretrain.apis, mmpretrain.models,
    mmpretrain.datasets, mmpretrain.engine, mmpretrain.evaluation, torch, torch.nn, torch.hub,
    torch.serialization, np, cv2, csv, json, PIL.Image, warnings, random, os,
)  # fmt: skip
CLASSES = (
    mmengine.runner.Runner, mmengine.hooks.CheckpointHook, mmengine.hooks.Hook, mmengine.model.BaseModel,
    mmengine.config.Config, mmengine.evaluator.Evaluator, mmpretrain.models.ImageClassifier,
    mmpretrain.models.ResNet, mmpretrain.datasets.BaseDataset, torch.nn.Module, torch.utils.data.DataLoader,
)  # fmt: skip


def members(owner: object) -> dict[str, int]:
    return {name: id(value) for name, value in vars(owner).items() if callable(value)}


def state() -> dict[str, object]:
    """Return what one part of a process can change for all others, by name."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    loggers = {n: x for n, x in logging.root.manager.loggerDict.items() if isinstance(x, logging.Logger)}
    return dict(
        dtype=torch.get_default_dtype(),
        device=torch.get_default_device(),
        threads=(torch.get_num_threads(), torch.get_num_interop_threads(), cv2.getNumThreads()),
        alive=threading.active_count(),
        algorithms=(torch.are_deterministic_algorithms_enabled(), cudnn.benchmark, cudnn.deterministic),
        precision=(torch.get_float32_matmul_precision(), cudnn.allow_tf32, matmul.allow_tf32),
        grad=torch.is_grad_enabled(),
        processes=(
            multiprocessing.get_start_method(allow_none=True),
            torch.multiprocessing.get_sharing_strategy(),
        ),
        random=(random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()),
        printing=(vars(torch._tensor_str.PRINT_OPTS), np.get_printoptions()),
        errors=(np.geterr(), warnings.filters, warnings.showwarning),
        root=(
            logging.root.level,
            logging.root.handlers,
            logging.raiseExceptions,
            logging.root.manager.disable,
        ),
        levels={n: (x.level, x.handlers, x.filters, x.propagate) for n, x in loggers.items()},
        mmengine=(list(MMLogger._instance_dict), list(MessageHub._instance_dict)),
        scope=DefaultScope.get_current_instance(),
        matplotlib=(matplotlib.get_backend(), dict(matplotlib.rcParams)),
        pillow=(PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES),
        csv=csv.field_size_limit(),
        interpreter=(sys.getrecursionlimit(), sys.excepthook, sys.path, locale.setlocale(locale.LC_ALL)),
        surroundings=(os.getcwd(), sorted(os.environ.items())),
        signals={number: signal.getsignal(number) for number in signal.valid_signals()},
        loading=(torch.serialization.get_safe_globals(), torch.serialization.get_default_load_endianness()),
        schemes={key: x for key, x in CheckpointLoader._schemes.items() if key},  # '' is documented
        patched={module.__name__: members(module) for module in MODULES},
        methods={owner.__qualname__: members(owner) for owner in CLASSES},
    )


def registered() -> dict[str, dict[str, type]]:
    """Return the content of each registry, and MMPretrain's model hub."""
    found = {'hub': dict(ModelHub._models_dict)}
    for module in (mmengine.registry, mmpretrain.registry):
        for name, registry in vars(module).items():
            if isinstance(registry, Registry):
                found[f'{module.__name__}.{name}'] = dict(registry.module_dict)
    return found


def different(before: dict, after: dict) -> list[str]:
    """Name what changed or went; what logging or a registry gained is left out."""
    found = []
    for key, value in before.items():
        if key in ('levels', 'patched', 'methods'):
            found += [f'{key}.{k}' for k, v in value.items() if repr(after[key][k]) != repr(v)]
        elif repr(after[key]) != repr(value):
            found.append(f'{key}: {value} -> {after[key]}')
    return found


if __name__ == '__main__':
    before, contents = state(), registered()
    for package in sys.argv[1:]:
        importlib.import_module(package)
    now = registered()
    json.dump(
        dict(
            changed=different(before, state()),
            lost=[f'{r}.{k}' for r, its in contents.items() for k, v in its.items()
                  if now[r].get(k) is not v],
            added=[getattr(v, '__module__', r) for r, its in now.items() for k, v in its.items()
                   if k not in contents[r] and r != 'hub'],
        ),
        sys.stdout,
    )  # fmt: skip
