"""The report of a comparison: one page that works offline, tables, pictures."""

import base64
import io
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from PIL import Image

from dacl_mm.comparison.analysis.advice import in_words
from dacl_mm.comparison.analysis.results import Column, read_runs
from dacl_mm.comparison.analysis.tables import METRICS, summary, write_tables
from dacl_mm.comparison.plan.methods import Method
from dacl_mm.errors import ComparisonError
from dacl_mm.files import write_atomic

from . import figures as fig

STACK = ('dacl-mm', 'torch', 'torchvision', 'mmengine', 'mmcv-lite', 'mmpretrain', 'numpy', 'scipy')
NUM_HARD = 12


#: What draws a figure, its name and its caption.
Entry = tuple[Callable[[], Figure | None], str, str]


class Picture(NamedTuple):
    """A figure in the page."""

    name: str
    caption: str
    svg: Markup


class HardImage(NamedTuple):
    """A test image that many runs get wrong."""

    data_uri: str
    path: str
    label: str
    predicted: str
    confidence: float
    wrong: int
    runs: int


def write_report(work_dir: Path, methods: Sequence[Method], command: str, images: bool = True) -> None:
    """Write results.csv, results.json, report.html and figures/ of all runs in a folder.

    Args:
        work_dir: Of the comparison.
        methods: The first is the baseline.
        command: What repeats the comparison.
        images: Whether the page may show test images.

    Raises:
        ComparisonError: If no run is finished.
    """
    columns = read_runs(work_dir, [method.name for method in methods])
    facts = dict(command=command, baseline=methods[0].name, environment=environment())
    write_tables(columns, facts, work_dir)
    shown = [column for column in columns if column.present]
    if not shown:
        raise ComparisonError(f'no run in {work_dir} finished: see the job.log of each under runs/')
    folder = work_dir / 'figures'
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    hard = hard_images(shown[0], methods[0], folder) if images else []
    page = _template().render(
        facts=facts,
        columns=[_column(column, folder, several=len(shown) > 1) for column in shown],
        all_columns=columns,
        baseline=shown[0].present[0],
        metrics=METRICS,
        overall=[_picture(lambda: fig.forest(shown), 'forest', FOREST.format(shown[0].present[0]), folder)],
        hard=hard,
        images=images,
        data=_data(shown[0], methods[0]),
        configs=_configs(shown[0]),
    )
    write_atomic(page.encode(), work_dir / 'report.html')
    print(f'report: {work_dir / "report.html"}')


def environment() -> dict:
    """Return versions and hardware of this machine."""
    return dict(
        python=platform.python_version(),
        packages={name: version(name) for name in STACK},
        system=platform.platform(terse=True),
        cores=os.cpu_count(),
    )


def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader('dacl_mm.comparison.report', '.')
    env = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    env.filters |= dict(count=lambda n: f'{n:,.0f}', mega=lambda n: f'{n / 1e6:,.2f}')
    return env.get_template('report.html.j2')


FOREST = 'Differences to {} with 95 % intervals over seeds and images. Left of the line is worse.'
RECALL = 'Recall of each class: mean over seeds, and each seed as a dot; in brackets the test images.'
CURVES = (
    'Training loss and selection accuracy: mean over seeds, band from lowest to highest seed. Losses of '
    'different methods have different terms and are not comparable.'
)
ATTENTION = (
    'Attention A on the same held-out images before training and after each epoch: its distribution, its '
    'mean and spread, how far it moved, and how much of its variance lies between images (the rest is a '
    'fixed weight of each dimension).'
)
MAPS = (
    'Test embeddings of the first seed (t-SNE), large marks are centres. Distances between clusters in such '
    'a map mean little.'
)
DISTANCES = 'Intra-class over inter-class distance of the test embeddings; smaller is more compact.'


def _picture(draw: Callable[[], Figure | None], name: str, caption: str, folder: Path) -> Picture | None:
    with fig.drawing():
        figure = draw()
    if figure is None:
        return None
    svg = fig.save(figure, folder, name)
    return Picture(name, caption, Markup(fig.to_inline(svg, name, jinja2.filters.do_forceescape(caption))))


def _column(column: Column, folder: Path, several: bool) -> dict:
    """Return what the page shows of a protocol."""
    tail = f'_{column.protocol}' if several else ''
    base = column.present[0]

    def pictures(entries: Iterable[Entry]) -> list[Picture]:
        drawn = (_picture(draw, name + tail, caption, folder) for draw, name, caption in entries)
        return [picture for picture in drawn if picture is not None]

    def confusions() -> Iterator[Entry]:
        for i, method in enumerate(column.present):
            caption = f'Confusion of {method}' + ('' if method == base else f', and its change to {base}')
            yield (lambda m=method: fig.confusion(column, m)), f'confusion_{i}', f'{caption}.'

    return dict(
        protocol=column.protocol,
        name=_protocol_name(column),
        rows=[summary(column, method) for method in column.present],
        against={metric: {d.a: d for d in column.against_baseline(metric)} for metric in column.differences},
        pairs=[d for differences in column.differences.values() for d in differences],
        verdicts=[in_words(d) for p in column.differences.values() for d in p if d.b == base],
        distances={m: np.mean([r.distances for r in column.runs(m)], 0) for m in column.present},
        attention=_attention_words(column),
        scores=pictures([(lambda: fig.recall(column), 'recall', RECALL), *confusions()]),
        training=pictures([(lambda: fig.curves(column), 'curves', CURVES)]),
        attention_pictures=pictures([(lambda: fig.attention(column), 'attention', ATTENTION)]),
        embedding=pictures(
            [
                (lambda: fig.embedding_maps(column), 'embedding', MAPS),
                (lambda: fig.distance_figure(column), 'distances', DISTANCES),
            ]
        ),
    )


def _protocol_name(column: Column) -> str:
    if column.protocol == 'paper':
        return 'paper protocol: best epoch picked on the test split, optimistic'
    return 'held-out protocol: epoch picked on images held out of training, test split scored once'


def _attention_words(column: Column) -> list[str]:
    lines = []
    for method in column.present:
        records = [run.result['attention'] for run in column.runs(method)]
        if not records[0]:
            continue
        keys = [key for key in records[0][0] if key != 'histogram']
        first, last = ({k: float(np.mean([r[i][k] for r in records])) for k in keys} for i in (0, -1))
        change = {key: f'{first[key]:.3f} → {last[key]:.3f}' for key in keys}
        lines.append(
            f'{method}: mean A {first["mean"]:.4f} → {last["mean"]:.4f}, spread {change["spread"]}, share '
            f'above 0.5 {change["share_above_half"]}; A moved by {last["shift"]:.4f} on average (correlation '
            f'with its start {last["correlation"]:.2f}); {100 * first["input_share"]:.0f} % → '
            f'{100 * last["input_share"]:.0f} % of its variance lies between images'
        )
    return lines


def hard_images(column: Column, method: Method, folder: Path) -> dict[str, list[HardImage]]:
    """Pick the test images that most runs get wrong, and those that are wrong with most confidence.

    Their pictures are also saved under ``folder``.
    """
    runs = [run for name in column.present for run in column.runs(name)]
    label = column.any_run.label
    score = np.mean([run.arrays['score'] for run in runs], 0)  # (N, K)
    wrong = np.sum([~run.correct for run in runs], 0)  # (N,)
    others = score.copy()
    others[np.arange(len(label)), label] = 0
    own = score[np.arange(len(label)), label]
    orders = {
        'hardest': np.lexsort((own, -wrong))[:NUM_HARD],
        'most confidently wrong': np.argsort(-others.max(1), kind='stable')[:NUM_HARD],
    }
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(method.cfg.test_dataloader.dataset)
    found: dict[str, list[HardImage]] = {}
    for title, order in orders.items():
        found[title] = []
        for i in order:
            pixels = dataset[int(i)]['inputs'].numpy()[::-1].transpose(1, 2, 0)  # BGR, (3, H, W) to RGB
            png = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(pixels)).resize((112, 112)).save(png, 'PNG')
            name = f'{title.replace(" ", "_")}_{len(found[title]) + 1:02}.png'
            write_atomic(png.getvalue(), folder / name)
            found[title].append(
                HardImage(
                    'data:image/png;base64,' + base64.b64encode(png.getvalue()).decode(),
                    Path(str(column.any_run.arrays['path'][i])).name,
                    column.classes[label[i]],
                    column.classes[int(others[i].argmax())],
                    100 * float(others[i].max()),
                    int(wrong[i]),
                    len(runs),
                )
            )
    return found


def _data(column: Column, method: Method) -> dict:
    run = column.any_run
    counts = np.bincount(run.label, minlength=len(column.classes))
    return dict(
        type=method.cfg.test_dataloader.dataset.type,
        train=run.result['train_images'],
        val=run.result['val_images'],
        test=len(run.label),
        classes=dict(zip(column.classes, counts.tolist())),
        devices=sorted({r.result['device'] for m in column.present for r in column.runs(m)}),
        threads=run.result['threads'],
    )


def _configs(column: Column) -> dict[str, str]:
    """Return the exact config of each method's first finished run."""
    return {m: column.runs(m)[0].run.config.read_text() for m in column.present}
