"""What a run leaves for its reader: confusion matrices and the closing table."""

from pathlib import Path

from mmengine.dist import master_only
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from dacl_mm.evaluation.fer_metric import FERMetric
from dacl_mm.visualization.confusion_matrix import draw_confusion_matrix, figure_to_array

HISTORY = 'validation_history'  # in the message hub, hence in checkpoints


def summary(history: list[dict], key: str = 'accuracy/top1') -> str:
    """Format best and last epoch of a validation history.

    Args:
        history: One dict per validation: ``epoch`` and the metrics, in percent.
        key: Metric that tells the best epoch.
    """
    best = max(history, key=lambda row: row[key])
    rows = [('best', best), ('last', history[-1])]
    recall = [k for k in best if '/recall/' in k]
    columns = ['epoch', key, 'fer/mean_class_accuracy', *recall]
    names = ['epoch', 'accuracy', 'mean-class', *(k.rsplit('/', 1)[1] for k in recall)]
    lines = ['      ' + ''.join(f'{n:>12}' for n in names)]
    for label, row in rows:
        cells = [f'{row[c]:>12}' if c == 'epoch' else f'{row.get(c, float("nan")):>12.2f}' for c in columns]
        lines.append(f'{label:<6}' + ''.join(cells))
    return '\n'.join(lines)


@HOOKS.register_module()
class ReportHook(Hook):
    """Save confusion matrices and print the closing table.

    The matrix of each evaluation goes to ``confusion_matrix_val.png`` or
    ``confusion_matrix_test.png`` in the work dir and to the visualizer.

    Args:
        key: Metric that tells the best epoch in the table.
    """

    # Before checkpoints are saved, so that they hold the history.
    priority = 'NORMAL'

    def __init__(self, key: str = 'accuracy/top1'):
        self.key = key

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._draw(runner, runner.val_evaluator, 'val', runner.epoch)
        numbers = {k: float(v) for k, v in (metrics or {}).items() if isinstance(v, int | float)}
        if self.key in numbers:
            history = runner.message_hub.get_info(HISTORY) or []
            row = dict(epoch=runner.epoch, **numbers)
            runner.message_hub.update_info(HISTORY, [*history, row])

    def after_test_epoch(self, runner, metrics=None) -> None:
        path = self._draw(runner, runner.test_evaluator, 'test', 0)
        if path:
            runner.logger.info(f'confusion matrix: {path}')

    @master_only
    def after_train(self, runner) -> None:
        history = runner.message_hub.get_info(HISTORY)
        if not history:
            return
        best = runner.message_hub.get_info('best_ckpt')
        last = runner.message_hub.get_info('last_ckpt')
        picture = Path(runner.work_dir) / 'confusion_matrix_val.png'
        runner.logger.info(
            f'validation results (%):\n{summary(history, self.key)}\n'
            f'best checkpoint: {best}\nlast checkpoint: {last}\n'
            f'confusion matrix of the last epoch: {picture}\nlogs: {runner.log_dir}'
        )

    @master_only
    def _draw(self, runner, evaluator: Evaluator, part: str, step: int) -> Path | None:
        metric = next((m for m in evaluator.metrics if isinstance(m, FERMetric)), None)
        if metric is None or metric.confusion is None:
            return None
        classes = (metric.dataset_meta or {}).get('classes') or range(len(metric.confusion))
        names = [str(name) for name in classes]
        figure = draw_confusion_matrix(metric.confusion, names, f'Confusion matrix ({part})')
        path = Path(runner.work_dir) / f'confusion_matrix_{part}.png'
        figure.savefig(path)
        runner.visualizer.add_image(f'confusion_matrix/{part}', figure_to_array(figure), step=step)
        return path
