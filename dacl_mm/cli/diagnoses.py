"""What tools/test.py says of a model beside its metrics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import Compose
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from dacl_mm.comparison.plan.records import write_json
from dacl_mm.config import data_sets
from dacl_mm.datasets.wrappers import leaf_datasets
from dacl_mm.engine.attention import describe_attention, in_words
from dacl_mm.engine.checkpoint.training_only import unwrapped
from dacl_mm.engine.robustness import FILE, test_robustness
from dacl_mm.evaluation.robustness import CORRUPTIONS, STRENGTHS
from dacl_mm.evaluation.robustness.results import METRICS, axes, curve, table
from dacl_mm.files import write_atomic


def corrupted(
    runner: Runner, kinds: Sequence[str] | None, strengths: Sequence[int] | None
) -> dict[str, float]:
    """Test on corrupted images too, write and draw it, and return the metrics of the clean ones."""
    from dacl_mm.visualization.robustness import draw_strengths  # matplotlib, when it draws
    from dacl_mm.visualization.style import to_png

    asked = (list(dict.fromkeys(kinds or CORRUPTIONS)), sorted(set(strengths or STRENGTHS)))
    found = test_robustness(runner, *asked)
    clean: dict[str, float] = found['clean']
    if is_main_process():
        folder = Path(runner.work_dir)
        write_json(found, folder / FILE)
        lines = {
            name: {kind: np.array([curve(found, kind, key)]) for kind in found['corruptions']}
            for key, name in METRICS.items()
        }
        picture = folder / 'robustness.png'
        write_atomic(to_png(draw_strengths(axes(found), lines, '%')), picture)
        runner.logger.info(f'robustness:\n{table(found)}\nin {folder / FILE}, picture: {picture}')
    return clean


def attention(runner: Runner) -> None:
    """Describe the attention of a tested model, write and draw it."""
    from dacl_mm.visualization.attention import draw_dependence
    from dacl_mm.visualization.style import to_png

    dataset = runner.test_dataloader.dataset
    trained = next(data_sets(runner.cfg.train_dataloader.dataset))
    plain = next(leaf_datasets(dataset)).pipeline
    found = describe_attention(unwrapped(runner.model), dataset, plain, Compose(trained.pipeline))
    folder = Path(runner.work_dir)
    write_json(found, folder / 'attention.json')
    write_atomic(to_png(draw_dependence(found, dataset.metainfo['classes'])), folder / 'attention.png')
    text = ';\n'.join(in_words(found))
    runner.logger.info(f'attention:\n{text}.\nin {folder / "attention.json"}, picture: attention.png')
