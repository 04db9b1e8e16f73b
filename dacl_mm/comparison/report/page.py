"""The report of a comparison: one page that works offline, tables, pictures."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from dacl_mm import __version__
from dacl_mm.comparison.analysis.advice import in_words
from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.comparison.analysis.tables import METRICS, summary, write_tables
from dacl_mm.comparison.plan.methods import Method
from dacl_mm.engine.attention import in_words as attention_in_words
from dacl_mm.engine.attention import restored
from dacl_mm.errors import ComparisonError
from dacl_mm.files import write_atomic

from . import pictures
from .folder import PictureFolder
from .hard_images import hard_images
from .robustness import read_robustness, robustness_tables, write_robustness

STACK = ('torch', 'torchvision', 'mmengine', 'mmcv-lite', 'mmpretrain', 'numpy', 'scipy')


def write_report(
    work_dir: Path, methods: Sequence[Method], command: str, images: bool = True
) -> list[ProtocolResults]:
    """Write results.csv, results.json, report.html and figures/ of all runs in a folder.

    The tables come first, robustness.csv among them where runs were tested on corrupted images.
    Runs that failed, diverged or left damaged files are shown as such and do not count.

    Args:
        work_dir: Of the comparison.
        methods: The first is the baseline.
        command: What repeats the comparison.
        images: Whether the page may show test images.

    Returns:
        What the runs say.

    Raises:
        ComparisonError: If no run is finished.
    """
    protocols = read_runs(work_dir, [method.name for method in methods])
    facts = dict(command=command, baseline=methods[0].name, environment=environment())
    write_tables(protocols, facts, work_dir)
    write_robustness(protocols, work_dir)
    shown = [results for results in protocols if results.present]
    if not shown:
        raise ComparisonError(f'no run in {work_dir} finished: see the job.log of each under runs/')
    folder = PictureFolder(work_dir / 'figures')
    page = _template().render(
        facts=facts,
        protocols=[_section(results, folder, several=len(shown) > 1) for results in shown],
        failed=[results for results in protocols if results.failed],
        metrics=METRICS,
        overall=pictures.overall(shown, folder),
        hard=hard_images(shown[0], methods[0], folder) if images else {},
        images=images,
        data=_data(shown[0], methods[0]),
        configs={m: shown[0].runs(m)[0].run.config.read_text() for m in shown[0].present},
    )
    folder.remove_old()
    write_atomic(page.encode(), work_dir / 'report.html')
    print(f'report: {work_dir / "report.html"}')
    return protocols


def environment() -> dict[str, Any]:
    """Return versions and hardware of this machine."""
    packages = {'dacl-mm': __version__}
    for name in STACK:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # from a bare checkout, or under another name
            packages[name] = 'of unknown version'
    return dict(
        python=platform.python_version(),
        packages=packages,
        system=platform.platform(terse=True),
        cores=os.cpu_count(),
    )


def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader('dacl_mm.comparison.report', '.')
    env = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    env.filters |= dict(count=lambda n: f'{n:,.0f}', mega=lambda n: f'{n / 1e6:,.2f}')
    return env.get_template('report.html.j2')


def _section(results: ProtocolResults, folder: PictureFolder, several: bool) -> dict[str, Any]:
    """Return what the page shows of a protocol."""
    base = results.present[0]
    return dict(
        protocol=results.protocol,
        name=_protocol_name(results),
        baseline=base,
        rows=[summary(results, method) for method in results.present],
        failed={method: len(seeds) for method, seeds in results.failed.items()},
        without=[method for method in results.failed if method not in results.present],
        against={name: {d.a: d for d in results.against_baseline(name)} for name in results.differences},
        pairs=[d for differences in results.differences.values() for d in differences],
        verdicts=[in_words(d) for p in results.differences.values() for d in p if d.b == base],
        distances={m: np.mean([r.distances for r in results.runs(m)], 0) for m in results.present},
        attention=_attention_words(results),
        robustness=robustness_tables(found) if (found := read_robustness(results)) else {},
        **pictures.of_protocol(results, folder, f'_{results.protocol}' if several else ''),
    )


def _protocol_name(results: ProtocolResults) -> str:
    if results.protocol == 'paper':
        return 'paper protocol: best epoch picked on the test split, optimistic'
    return 'held-out protocol: epoch picked on images held out of training, test split scored once'


def _attention_words(results: ProtocolResults) -> list[str]:
    lines = []
    for method in results.present:
        records = [run.result['attention'] for run in results.runs(method)]
        if not records[0]:
            continue
        keys = [key for key in records[0][0] if key != 'histogram']
        first, last = (
            {key: float(np.mean(np.array([record[i][key] for record in records], float))) for key in keys}
            for i in (0, -1)
        )
        change = {key: f'{first[key]:.3f} → {last[key]:.3f}' for key in keys}
        lines.append(
            f'{method}: mean A {first["mean"]:.4f} → {last["mean"]:.4f}, spread {change["spread"]}, share '
            f'above 0.5 {change["share_above_half"]}; A moved by {last["shift"]:.4f} on average (correlation '
            f'with its start {last["correlation"]:.2f}); {100 * first["input_share"]:.0f} % → '
            f'{100 * last["input_share"]:.0f} % of its variance lies between images'
        )
        # Runs of earlier versions have none.
        if diagnosis := results.runs(method)[0].result.get('attention_diagnosis'):
            lines += [f'{method}, first seed: {line}' for line in attention_in_words(restored(diagnosis))]
    return lines


def _data(results: ProtocolResults, method: Method) -> dict[str, Any]:
    run = results.any_run
    counts = np.bincount(run.label, minlength=len(results.classes))
    return dict(
        type=method.cfg.test_dataloader.dataset.type,
        train=run.result['train_images'],
        val=run.result['val_images'],
        test=len(run.label),
        classes=dict(zip(results.classes, counts.tolist())),
        devices=sorted({r.result['device'] for m in results.present for r in results.runs(m)}),
        threads=run.result['threads'],
    )
