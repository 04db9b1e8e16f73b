"""What a run leaves for its reader: confusion matrices and tables."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.config import selection_metric
from dacl_mm.evaluation.fer_metric import FERMetric

# In the message hub, hence in checkpoints. mmengine's validation lines print every entry whose
# name starts with "val".
HISTORY = 'history_of_validation'

NAMES = {
    'accuracy/top1': 'accuracy',
    'fer/mean_class_accuracy': 'mean-class accuracy',
    'fer/f1_macro': 'F1 (macro)',
    'fer/auc_roc_macro': 'AUC-ROC (macro)',
    'fer/auc_pr_macro': 'AUC-PR (macro)',
    'fer/ece': 'calibration error',
    'fer/vote_nll': 'NLL of the votes (nats)',
    'fer/entropy_correlation': 'entropy with votes (rank)',
}
RECALL = '/recall/'


def metric_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Format metrics in percent, one a row: the known ones by their names, then recalls, then others.

    Args:
        columns: Metrics by key, of each column by its title.
    """
    keys = list(dict.fromkeys(key for metrics in columns.values() for key in metrics if key != 'epoch'))
    known = [key for key in NAMES if key in keys]
    recalls = [key for key in keys if RECALL in key]
    others = [key for key in keys if key not in NAMES and key not in recalls]
    titles = {key: NAMES.get(key, key) for key in known + others}
    titles |= {key: f'recall: {key.rsplit("/", 1)[1]}' for key in recalls}
    width = max(map(len, titles.values()), default=0)
    lines = [' ' * width + ''.join(f'{title:>18}' for title in columns)]
    for key in known + recalls + others:
        cells = (f'{metrics[key]:18.2f}' if key in metrics else f'{"-":>18}' for metrics in columns.values())
        lines.append(f'{titles[key]:<{width}}' + ''.join(cells))
    return '\n'.join(lines)


def recall_line(metrics: Mapping[str, float]) -> str:
    """Format the recall of each class in percent as two lines; empty without any."""
    recalls = {key.rsplit('/', 1)[1]: value for key, value in metrics.items() if RECALL in key}
    widths = [max(len(name), 6) + 2 for name in recalls]
    rows = [recalls, [f'{value:.2f}' for value in recalls.values()]]
    return '\n'.join(''.join(f'{cell:>{w}}' for cell, w in zip(row, widths)) for row in rows if recalls)


def best_row(history: list[dict[str, float]], metric: str) -> dict[str, float]:
    """Return the first row of the greatest value; NaN and missing ones count least."""

    def score(row: dict[str, float]) -> float:
        value = row.get(metric, math.nan)
        return -math.inf if math.isnan(value) else value

    return max(history, key=score)


@HOOKS.register_module()
class ReportHook(Hook):
    """Save confusion matrices and print tables.

    The matrix of each evaluation goes to ``confusion_matrix_val.png`` or
    ``confusion_matrix_test.png`` in the work dir and to the visualizer. The best epoch of the
    closing table is the one that the config's ``selection_metric`` chose.
    """

    # After LoggerHook's line, before checkpoints are saved.
    priority = 'LOW'

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self._draw(runner, runner.val_evaluator, 'val', runner.epoch)
        numbers = _numbers(metrics)
        if any(RECALL in key for key in numbers):
            runner.logger.info(f'recall of each class (%):\n{recall_line(numbers)}')
        history = runner.message_hub.get_info(HISTORY) or []
        row = dict(epoch=runner.epoch, **numbers)
        runner.message_hub.update_info(HISTORY, [*history, row])

    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        path = self._draw(runner, runner.test_evaluator, 'test', 0)
        picture = f'\nconfusion matrix: {path}' if path else ''
        runner.logger.info(f'test results (%):\n{metric_table({"test": _numbers(metrics)})}{picture}')

    def after_train(self, runner: Runner) -> None:
        history = runner.message_hub.get_info(HISTORY)
        if not history or not is_main_process():
            return
        metric = selection_metric(runner.cfg)
        rows = {'best': best_row(history, metric), 'last': history[-1]}
        columns = {f'{title} (epoch {row["epoch"]})': row for title, row in rows.items()}
        best = runner.message_hub.get_info('best_ckpt')
        last = runner.message_hub.get_info('last_ckpt')
        picture = Path(runner.work_dir) / 'confusion_matrix_val.png'
        runner.logger.info(
            f'validation results (%), best by {NAMES.get(metric, metric)}:\n{metric_table(columns)}\n'
            f'best checkpoint: {best}\nlast checkpoint: {last}\n'
            f'confusion matrix of the last epoch: {picture}\nlogs: {runner.log_dir}'
        )

    def _draw(self, runner: Runner, evaluator: Evaluator, part: str, step: int) -> Path | None:
        metric = next((m for m in evaluator.metrics if isinstance(m, FERMetric)), None)
        if metric is None or metric.confusion is None or not is_main_process():
            return None
        from dacl_mm.visualization import draw_confusion_matrix, figure_to_array  # matplotlib, when it draws

        classes = (metric.dataset_meta or {}).get('classes') or range(len(metric.confusion))
        names = [str(name) for name in classes]
        figure = draw_confusion_matrix(metric.confusion, names, f'Confusion matrix ({part})')
        path = Path(runner.work_dir) / f'confusion_matrix_{part}.png'
        figure.savefig(path)
        runner.visualizer.add_image(f'confusion_matrix/{part}', figure_to_array(figure), step=step)
        return path


def _numbers(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    return {key: float(value) for key, value in (metrics or {}).items() if isinstance(value, int | float)}
