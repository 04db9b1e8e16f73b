"""Which runs of a folder count, and why the others do not."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dacl_mm.comparison.plan.methods import NAME, PROTOCOLS
from dacl_mm.comparison.plan.runs import RESULT, Run
from dacl_mm.comparison.run.record import check_diverged, check_predictions
from dacl_mm.comparison.run.scheduler import failure
from dacl_mm.errors import ComparisonError

from .results import COSTS, Finished, ProtocolResults
from .tables import run_row

#: What a result must say to be analysed.
REQUIRED = {
    *('method', 'validation', 'loss', 'attention', 'metrics', 'classes', 'selected_epoch', *COSTS),
    *('train_images', 'val_images', 'device', 'threads'),
}


def read_runs(work_dir: Path, order: Sequence[str]) -> list[ProtocolResults]:
    """Read every finished and failed run of a folder.

    A run that diverged, whose files are damaged, or that was tested on other images than
    most, does not count and is among the failed ones.

    Args:
        work_dir: Of the comparison.
        order: Methods to come first; others of earlier calls follow.

    Returns:
        The results of each protocol that has a finished or failed run.
    """
    found = []
    for protocol in PROTOCOLS:
        finished: dict[str, dict[int, Finished]] = {name: {} for name in order}
        failed: dict[str, dict[int, dict[str, Any]]] = {}
        for folder in sorted((work_dir / 'runs' / protocol).glob('*/seed_*')):
            name = re.fullmatch(r'seed_(\d+)', folder.name)
            # The config beside it, somebody's copy, or nothing that a comparison would have named so.
            if name is None or not folder.is_dir() or not NAME.fullmatch(folder.parent.name):
                continue
            run = Run(folder.parent.name, int(name[1]), protocol, folder)
            try:
                if (result := run.result()) is not None:
                    finished.setdefault(run.method, {})[run.seed] = _checked(run, result)
                elif (how := failure(run)) is not None:
                    failed.setdefault(run.method, {})[run.seed] = how
            except ComparisonError as error:
                failed.setdefault(run.method, {})[run.seed] = dict(status=None, log_end=str(error))
        _set_apart_other_images(finished, failed)
        methods = [name for name in finished if finished[name] or name in order]
        results = ProtocolResults(protocol, methods, finished, failed)
        if results.present or failed:
            found.append(results)
    return found


def _checked(run: Run, result: dict[str, Any]) -> Finished:
    lacking = sorted(REQUIRED - result.keys())
    if lacking:
        raise ComparisonError(
            f'{run.folder / RESULT} lacks {", ".join(lacking)}: delete it and repeat the command'
        )
    finished = Finished(run, result)
    try:
        check_diverged(result['loss'])
        check_predictions(finished.arrays)
        _check_consistent(finished)
    except ComparisonError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ComparisonError(
            f'the records in {run.folder} are damaged ({type(error).__name__}: {error}): delete '
            f'{run.folder / RESULT} and repeat the command'
        ) from error
    return finished


def _check_consistent(finished: Finished) -> None:
    """Refuse records that do not belong together, so that what reads them need not look."""
    classes, arrays = finished.result['classes'], finished.arrays
    strange = [name for name in classes if not (isinstance(name, str) and name.isprintable())]
    if strange:
        raise TypeError(f'{strange[0]!r} is no name of a class')
    count, label = len(arrays['path']), finished.label
    shapes = label.shape, arrays['score'].shape, arrays['embedding'].shape[:-1]
    if shapes != ((count,), (count, len(classes)), (count,)):
        raise TypeError(f'{count} images, but arrays of {shapes}')
    if label.dtype.kind not in 'iu' or not ((label >= 0) & (label < len(classes))).all():
        raise TypeError('a label is of no class')
    run_row(finished)


def _set_apart_other_images(
    finished: dict[str, dict[int, Finished]], failed: dict[str, dict[int, dict[str, Any]]]
) -> None:
    """Move the runs that were tested on other images than most to the failed ones."""
    images = {(m, seed): run.images for m, runs in finished.items() for seed, run in runs.items()}
    if not images:
        return
    usual = Counter(images.values()).most_common(1)[0][0]
    for (method, seed), own in images.items():
        if own != usual:
            folder = finished[method].pop(seed).run.folder
            failed.setdefault(method, {})[seed] = dict(
                status=None,
                log_end=f'{folder} was tested on other images than most runs: delete it, or compare in '
                'another --work-dir',
            )
