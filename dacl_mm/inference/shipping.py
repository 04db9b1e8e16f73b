"""The file that a trained model ships as: what predicts, in float16, and what its output means."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from torch import nn

from dacl_mm.engine.checkpoint.deployed import deployed, deployed_config
from dacl_mm.engine.checkpoint.half import to_half
from dacl_mm.engine.held_out import held_out_loader, predict_all
from dacl_mm.errors import UserError
from dacl_mm.evaluation.calibration import fit_temperature, tempered, unsure_threshold
from dacl_mm.evaluation.functional import expected_calibration_error

from .info import ModelInfo


class HeldOut(NamedTuple):
    """How the shipped weights do on the held-out images; shares of them, 0 to 1.

    Attributes:
        images: Their number.
        accuracy: Of float16 weights.
        same_class: Predicted by float16 weights as by the trained ones.
        temperature: The fitted one.
        ece_before: Calibration error without it.
        ece: With it.
        unsure: The chosen threshold of the confidence.
        coverage: Confidence is at least that.
        sure_accuracy: Of those images.
    """

    images: int
    accuracy: float
    same_class: float
    temperature: float
    ece_before: float
    ece: float
    unsure: float
    coverage: float
    sure_accuracy: float


def to_shipped(
    checkpoint: Mapping[str, Any],
    source: object,
    cfg: Config,
    name: str,
    accuracy: float,
    licence: str = '',
    training: str = '',
) -> tuple[dict[str, Any], HeldOut]:
    """Return the checkpoint that ships, calibrated on the held-out part.

    Args:
        checkpoint: One that training has written.
        source: The file, for messages.
        cfg: A config that passes :func:`~dacl_mm.engine.held_out.check_held_out`, of the same training.
        name: Of the model.
        accuracy: What the images that are not unsure must reach together, in (0, 1].
        licence: Of the weights.
        training: One sentence about data and method.

    Raises:
        UserError: If the checkpoint cannot be shipped, or calibrated so.
    """
    config, place = deployed_config(checkpoint, source)
    preprocessor = config.model.data_preprocessor
    if not preprocessor.get('to_rgb'):
        raise UserError(f'{source} takes blue, green, red: what ships takes RGB (data_preprocessor.to_rgb)')
    config.custom_imports = dict(imports=['dacl_mm'], allow_failed_imports=False)
    shipped = deployed(checkpoint, config, place, source)
    whole = shipped['state_dict']
    shipped['state_dict'] = to_half(whole, source)
    loader = held_out_loader(cfg)
    exact, _ = predict_all(_build(config, whole), loader)
    score, label = predict_all(_build(config, shipped['state_dict']), loader)
    log_p = np.log(np.maximum(score, np.finfo(np.float32).tiny))
    temperature = fit_temperature(log_p, label)
    probability = tempered(log_p, temperature)
    right = probability.argmax(1) == label
    sure = unsure_threshold(probability.max(1), right, accuracy)
    info = ModelInfo(
        name=name,
        classes=tuple(loader.dataset.metainfo['classes']),
        size=_input_size(loader.dataset[0]['inputs']),
        mean=_triple(preprocessor.get('mean') or (0, 0, 0)),
        std=_triple(preprocessor.get('std') or (1, 1, 1)),
        temperature=temperature,
        unsure=sure.threshold,
        licence=licence,
        training=training,
    )
    shipped['meta'] |= dict(cfg=config.pretty_text, inference=info.to_dict())
    held_out = HeldOut(
        images=len(label),
        accuracy=float(right.mean()),
        same_class=float((score.argmax(1) == exact.argmax(1)).mean()),
        temperature=temperature,
        ece_before=expected_calibration_error(score, label),
        ece=expected_calibration_error(probability, label),
        unsure=sure.threshold,
        coverage=sure.coverage,
        sure_accuracy=sure.accuracy,
    )
    return shipped, held_out


def _build(config: Config, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    model: nn.Module = MODELS.build(deepcopy(config.model))
    model.load_state_dict(weights, strict=False)  # parts that only training needs are left out
    return model


def _input_size(image: torch.Tensor) -> tuple[int, int]:
    """Return width and height of an image (C, H, W)."""
    return image.shape[2], image.shape[1]


def _triple(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
