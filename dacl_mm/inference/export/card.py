"""The model card of a bundle."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2

from dacl_mm.config import data_sets

from .check import TOLERANCE, Measured
from .source import Source


def model_card(
    source: Source,
    measured: Mapping[str, Measured],
    sizes: Mapping[str, int],
    max_loss: float,
    detector: Mapping[str, Any] | None,
) -> str:
    """Return the card as Markdown.

    Args:
        source: What was exported.
        measured: Precision -> what its model does on the held-out images.
        sizes: Precision -> bytes of its file.
        max_loss: Points of accuracy that a model was allowed to lose.
        detector: As the metadata has it.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string(files(__package__).joinpath('card.md.j2').read_text())
    held_out = next(data_sets(source.held_out))
    return template.render(
        info=source.info,
        steps=source.steps,
        sha256=source.sha256,
        measured=measured,
        sizes=sizes,
        max_loss=max_loss,
        tolerance=TOLERANCE,
        detector=detector,
        data=f'{held_out.type}, split {held_out.get("split", "not named")}',
    )
