"""One method with one seed: its folder, its config, its state."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from dacl_mm.config import set_backbone_weights, set_loader_defaults
from dacl_mm.engine.adjustment import check_adjustment
from dacl_mm.errors import ComparisonError
from dacl_mm.files import write_atomic

from .methods import Method, with_protocol
from .records import read_json
from .runtime import add_runtime

RESULT, PROGRESS_FILE = 'result.json', 'progress.json'
TRACEBACK = 'Traceback (most recent call last)'


@dataclass(frozen=True)
class Run:
    """A method, a seed and a protocol, in a folder of their own.

    Where ``weights_of`` names another method, the run tests what that one has learned from the same seed.
    """

    method: str
    seed: int
    protocol: str
    folder: Path
    weights_of: str | None = None

    @property
    def name(self) -> str:
        """Method and seed, for people."""
        return f'{self.method} seed {self.seed}'

    @property
    def trained(self) -> Path:
        """The folder of the run whose weights are tested: this one's, or that of another method."""
        if self.weights_of is None:
            return self.folder
        return self.folder.parents[1] / self.weights_of / self.folder.name

    @property
    def config(self) -> Path:
        """The run's complete config; beside the folder, in which mmengine writes its own copy."""
        return self.folder.with_suffix('.py')

    @property
    def log(self) -> Path:
        """Everything the run's processes printed."""
        return self.folder / 'job.log'

    def result(self) -> dict[str, Any] | None:
        """Return ``result.json``, or None while the run is not finished."""
        return read_json(self.folder / RESULT)

    def progress(self) -> dict[str, Any]:
        """Return the last ``progress.json``; nothing where there is none, as while it is damaged."""
        try:
            return read_json(self.folder / PROGRESS_FILE) or {}
        except ComparisonError:  # only watched, and written again within a second
            return {}

    def log_end(self, lines: int = 60) -> str:
        """Return the last traceback of the log, with what follows it, else its last lines."""
        if not self.log.is_file():
            return '(no log)'
        end = self.log.read_text(errors='replace').replace('\r', '\n').rstrip().splitlines()[-lines:]
        starts = [i for i, line in enumerate(end) if TRACEBACK in line]
        return '\n'.join(end[starts[-1] :] if starts else end[-15:])

    def error(self) -> str:
        """Return the line of the log that names the last error, else its last line."""
        first, *rest = self.log_end().splitlines() or ['(an empty log)']
        last = rest[-1] if rest else first
        return next((line for line in rest if line[:1].strip()), last) if TRACEBACK in first else last


def plan_runs(methods: list[Method], seeds: int, protocol: str, work_dir: Path) -> list[tuple[Run, Config]]:
    """Lay out all runs, seed by seed, so that an early stop leaves whole pairs.

    Returns:
        Each run with its complete config.

    Raises:
        UserError: If the test of a method could not adjust its logits.
    """
    work_dir = work_dir.resolve()
    runs = []
    for seed in range(seeds):
        for method in methods:
            folder = work_dir / 'runs' / protocol / method.name / f'seed_{seed}'
            run = Run(method.name, seed, protocol, folder, method.weights_of)
            cfg = with_protocol(method.cfg, protocol)
            cfg.work_dir = str(run.folder)
            cfg.randomness = dict(cfg.get('randomness', {}), seed=seed)
            set_backbone_weights(cfg)
            add_runtime(cfg)
            cfg.comparison = dict(method=method.name, seed=seed, protocol=protocol)
            if method.weights_of:
                cfg.comparison.weights_of = method.weights_of
            set_loader_defaults(cfg, pin_memory=True, persistent_workers=True)
            if cfg.get('logit_adjustment'):
                check_adjustment(cfg)
            runs.append((run, cfg))
    return runs


def write_config(run: Run, cfg: Config) -> None:
    """Write the run's config, which its process reads.

    Raises:
        ComparisonError: If the folder holds a run of another config.
    """
    path = run.config
    text = cfg.pretty_text
    if path.is_file() and path.read_text() != text:
        before, now = path.read_text().splitlines(), text.splitlines()
        changes = [line for line in list(difflib.unified_diff(before, now, n=0))[2:] if line[0] in '+-']
        raise ComparisonError(
            f'{path} was made with another config; first changed lines (- before, + now):\n'
            + '\n'.join(changes[:6])
            + f'\nChoose another --work-dir, or delete {run.folder} and {path.name}'
        )
    run.folder.mkdir(parents=True, exist_ok=True)
    write_atomic(text.encode(), path)
