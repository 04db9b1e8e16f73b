"""One method with one seed: its folder, its config, its state."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from dacl_mm.config import set_loader_defaults
from dacl_mm.errors import ComparisonError
from dacl_mm.files import write_atomic

from .methods import Method, with_protocol
from .runtime import add_runtime

PROGRESS_FILE = 'progress.json'


@dataclass(frozen=True)
class Run:
    """A method, a seed and a protocol, in a folder of their own."""

    method: str
    seed: int
    protocol: str
    folder: Path

    @property
    def name(self) -> str:
        """Method and seed, for people."""
        return f'{self.method} seed {self.seed}'

    @property
    def config(self) -> Path:
        """The run's complete config; beside the folder, in which mmengine writes its own copy."""
        return self.folder.with_suffix('.py')

    @property
    def log(self) -> Path:
        """Everything the run's processes printed."""
        return self.folder / 'job.log'

    def result(self) -> dict | None:
        """Return ``result.json``, or None while the run is not finished."""
        return _read(self.folder / 'result.json')

    def progress(self) -> dict:
        """Return the last ``progress.json``."""
        return _read(self.folder / PROGRESS_FILE) or {}

    def log_end(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        if not self.log.is_file():
            return '(no log)'
        text = self.log.read_text(errors='replace').replace('\r', '\n')
        return '\n'.join(text.rstrip().splitlines()[-lines:])


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def plan_runs(methods: list[Method], seeds: int, protocol: str, work_dir: Path) -> list[tuple[Run, Config]]:
    """Lay out all runs, seed by seed, so that an early stop leaves whole pairs.

    Returns:
        Each run with its complete config.
    """
    work_dir = work_dir.resolve()
    runs = []
    for seed in range(seeds):
        for method in methods:
            safe = re.sub(r'[^\w.=+-]', '_', method.name)
            run = Run(method.name, seed, protocol, work_dir / 'runs' / protocol / safe / f'seed_{seed}')
            cfg = with_protocol(method.cfg, protocol)
            cfg.work_dir = str(run.folder)
            cfg.randomness = dict(cfg.get('randomness', {}), seed=seed)
            add_runtime(cfg)
            cfg.comparison = dict(method=method.name, seed=seed, protocol=protocol)
            set_loader_defaults(cfg, pin_memory=True, persistent_workers=True)
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
        changed = [line for line in path.read_text().splitlines() if line not in text.splitlines()]
        raise ComparisonError(
            f'{path} was made with another config (it says {changed[0].strip()!r}, among others): choose '
            f'another --work-dir, or delete {run.folder} and {path.name}'
        )
    run.folder.mkdir(parents=True, exist_ok=True)
    write_atomic(text.encode(), path)
