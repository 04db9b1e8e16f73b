"""One run in its own process: python -m dacl_mm.comparison.run.job FOLDER PARENT

Trains (or goes on), tests the selected epoch once, and writes ``result.json`` last. A run that tests the
weights of another method's trains nothing.
"""

import os
import re
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from dacl_mm.comparison.plan.cost import input_shape, model_cost, peak_memory
from dacl_mm.comparison.plan.records import read_json, write_json
from dacl_mm.comparison.plan.runs import RESULT, Run
from dacl_mm.engine import launch
from dacl_mm.engine.adjustment import adjust_logits
from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.engine.hooks.report import HISTORY
from dacl_mm.engine.stop import STOP, STOPPED, Interrupted
from dacl_mm.errors import ComparisonError
from dacl_mm.files import file_lock, write_atomic
from dacl_mm.processes import end_with
from dacl_mm.unpickling import unpickling_forbidden

from .hooks.attention_record import DIAGNOSIS, RECORD
from .record import TRAINED, check_diverged, check_predictions, read_predictions

WEIGHTS = 'selected.pth'


def train(cfg: Config) -> dict[str, Any]:
    """Train, and return what the run's history holds.

    Raises:
        ComparisonError: If the training diverged.
    """
    begin = time.monotonic()
    source = latest_checkpoint(cfg.work_dir)
    if source is not None:
        cfg.resume, cfg.load_from = True, str(source)
    runner = launch.train(cfg)
    hub = runner.message_hub
    scalars = hub.log_scalars
    seconds, _ = scalars['train/time'].data
    per_epoch = len(runner.train_dataloader)
    batch = runner.train_dataloader.batch_size
    values, _ = scalars['train/loss'].data
    loss = [float(x) for x in values.reshape(-1, per_epoch).mean(1)]
    check_diverged(loss)
    if hub.get_info('best_ckpt') is None:
        raise ComparisonError(f'no epoch was selected: {cfg.selection_metric} was never a number')
    best = Path(hub.get_info('best_ckpt')).name
    return dict(
        validation=hub.get_info(HISTORY),
        loss=loss,
        attention=hub.get_info(RECORD),
        attention_diagnosis=hub.get_info(DIAGNOSIS),
        best_checkpoint=best,
        selection_metric=cfg.selection_metric,
        selected_epoch=int(re.findall(r'\d+', best)[-1]),
        seconds=time.monotonic() - begin if source is None else None,
        train_images=len(runner.train_dataloader.dataset),
        val_images=len(runner.val_dataloader.dataset),
        images_per_second=batch / statistics.median(float(s) for s in seconds),
        seconds_per_epoch=statistics.median(float(s) for s in seconds) * per_epoch,
        peak_memory=peak_memory(),
    )


def testing_runner(cfg: Config, weights: Path) -> Runner:
    """Return a runner that tests the selected weights as the method's config says."""
    cfg.load_from, cfg.resume = str(weights), False
    cfg.model.backbone.init_cfg = None
    runner = launch.build_runner(cfg)
    if cfg.get('logit_adjustment'):
        adjust_logits(runner)
    return runner


def test(cfg: Config, weights: Path) -> dict[str, Any]:
    """Test the selected weights, once, and leave predictions.npz."""
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='PredictionRecordHook')]
    runner = testing_runner(cfg, weights)
    metrics = runner.test()
    classes = list(runner.test_dataloader.dataset.metainfo['classes'])
    return dict(metrics={k: float(v) for k, v in metrics.items()}, classes=classes)


def taken_over(run: Run) -> dict[str, Any]:
    """Return what is known of the training whose weights a run tests.

    Raises:
        ComparisonError: If it did not end, or left no weights.
    """
    trained = read_json(run.trained / TRAINED)
    if trained is None or not (run.trained / RESULT).is_file() or not (run.trained / WEIGHTS).is_file():
        raise ComparisonError(
            f'{run.name} tests the weights of {run.weights_of}, which left none in {run.trained}; '
            f'{run.trained / "job.log"} says why'
        )
    return trained | dict(attention=None, attention_diagnosis=None, seconds=0.0)  # its own are to come


def main() -> None:
    """Execute the run of the folder that the command line names."""
    folder = Path(sys.argv[1])
    end_with(int(sys.argv[2]))
    starting = time.process_time()  # what the imports took
    held = ExitStack()
    held.enter_context(unpickling_forbidden())
    # A process of a killed comparison ends within a second.
    held.enter_context(file_lock(folder / '.lock', 'process', seconds=60))
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', torch.get_num_threads())))
    config = folder.with_suffix('.py')
    cfg = Config.fromfile(config)
    run = Run(folder=folder, **cfg.comparison)
    trained = taken_over(run) if run.weights_of else read_json(folder / TRAINED)
    if trained is None:
        trained = train(Config.fromfile(config))
        (folder / WEIGHTS).unlink(missing_ok=True)  # those of a training whose record was lost
        write_json(trained, folder / TRAINED)
    result = dict(cfg.comparison, **trained)
    begin = time.monotonic()
    weights = run.trained / WEIGHTS
    if not weights.is_file():
        write_atomic((folder / Path(result['best_checkpoint']).name).read_bytes(), weights)
    result |= test(Config.fromfile(config), weights)
    check_predictions(read_predictions(folder))
    result |= model_cost(cfg, input_shape(cfg))
    result |= dict(
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU',
        threads=torch.get_num_threads(),
    )
    if result['seconds'] is not None:
        result['seconds'] += starting + time.monotonic() - begin
    write_json(result, folder / RESULT)
    for checkpoint in folder.glob('*.pth'):
        if checkpoint != weights:
            checkpoint.unlink()
    held.close()


if __name__ == '__main__':
    try:
        with STOP.listening():
            main()
    except Interrupted as stop:
        print(stop)
        sys.exit(STOPPED)
