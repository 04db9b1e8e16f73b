"""Config files whose bases lie in this package: ``_base_ = 'dacl_mm::dacl_r18_rafdb.py'``.

mmengine reads such bases through ``pkg_resources``, which setuptools no longer has, from a closed list
of packages, and would build what they hold in a scope of the package's name; what this package adds
is in MMPretrain's.
"""

import ast
import re
import tempfile
from pathlib import Path

import yaml
from mmengine.config import Config

from dacl_mm.errors import UserError
from dacl_mm.hub import config_dir

PREFIX = 'dacl_mm::'


def from_file(path: Path) -> Config:
    """Read a config as :meth:`mmengine.Config.fromfile` does, with bases from this package too.

    What follows ``dacl_mm::`` is a path below the packaged configs, with or without its suffix.
    """
    path = path.resolve()
    with tempfile.TemporaryDirectory() as folder:
        readable = _readable(path, Path(folder))
        cfg = Config.fromfile(readable)
    if readable == path:
        return cfg
    text = path.read_text(encoding='utf-8')
    return Config(cfg._cfg_dict, cfg_text=text, filename=str(path), env_variables=cfg.env_variables)


def _readable(path: Path, folder: Path) -> Path:
    """Return a file of the same content that mmengine reads: itself, or a copy with absolute bases."""
    if path.suffix in ('.yml', '.yaml'):
        check_plain(path)
    if path.suffix != '.py':
        return path
    text = _with_own_name(path.read_text(encoding='utf-8'), path)
    node = next((n for n in ast.parse(text).body if isinstance(n, ast.Assign) and _assigns_bases(n)), None)
    if node is None:
        return path
    bases = _names(node.value)
    absolute = [_absolute(base, path.parent, folder) for base in bases]
    if all(target == path.parent / base for base, target in zip(bases, absolute, strict=True)):
        return path
    segment = ast.get_source_segment(text, node) or ''
    lines = '\n' * segment.count('\n')  # an error further down keeps its line number
    text = text.replace(segment, f'_base_ = {[str(target) for target in absolute]!r}{lines}', 1)
    copy = Path(tempfile.mkdtemp(dir=folder)) / path.name
    copy.write_text(text, encoding='utf-8')
    return copy


def check_plain(path: Path) -> None:
    """Refuse a YAML file, or a base of it, whose tags build Python objects: mmengine's loader builds them.

    Raises:
        UserError: If there is such a tag; names the line.
    """
    text = path.read_text(encoding='utf-8')
    if re.search(r'\{\{[^}]*!', text):
        raise UserError(f'{path}: a variable is a tag, which may execute code')
    for event in yaml.parse(text):
        if 'python/' in (getattr(event, 'tag', None) or ''):
            raise UserError(
                f'{path}, line {event.start_mark.line + 1}: the tag {event.tag} would execute code'
            )
    bases = yaml.safe_load(text).get('_base_', []) if '_base_' in text else []
    for base in [bases] if isinstance(bases, str) else bases:
        if Path(base).suffix in ('.yml', '.yaml') and (path.parent / base).is_file():
            check_plain(path.parent / base)


def _absolute(base: str, beside: Path, folder: Path) -> Path:
    if base.startswith(PREFIX):
        return config_dir() / Path(base.removeprefix(PREFIX)).with_suffix('.py')
    target = beside / base
    return _readable(target, folder) if target.is_file() else target


def _assigns_bases(node: ast.Assign) -> bool:
    return ast.unparse(node.targets[0]) == '_base_'


def _names(value: ast.expr) -> list[str]:
    """Return the bases of a plain string or list; none of an expression, which mmengine evaluates."""
    try:
        names = ast.literal_eval(value)
    except ValueError:
        return []
    return [names] if isinstance(names, str) else list(names)


def _with_own_name(text: str, path: Path) -> str:
    """Fill in mmengine's variables of the file's name, which a copy would answer with its own."""
    variables = dict(
        fileDirname=path.parent.as_posix(),
        fileBasename=path.name,
        fileBasenameNoExtension=path.stem,
        fileExtname=path.suffix,
    )
    for name, value in variables.items():
        text = re.sub(rf'\{{\{{\s*{name}\s*\}}\}}', value.replace('\\', r'\\'), text)
    return text
