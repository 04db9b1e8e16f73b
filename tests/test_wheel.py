"""The wheel away from the checkout."""

import json
import shutil
import subprocess
import sys

from conftest import REPO

SCRIPT = """
import json, pathlib, sys
import dacl_mm, mmpretrain
from dacl_mm.config import load_config
from dacl_mm.comparison import report
from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.hub import config_dir
print(json.dumps(dict(
    package=dacl_mm.__file__,
    models=mmpretrain.list_models('*_r18_*'),
    classes=mmpretrain.get_model('dacl_r18_synthetic').head.num_classes,
    head=load_config('dacl_r18_rafdb').model.head.attention.type,
    methods=[m.name for m in read_methods([str(config_dir() / 'compare' / 'synthetic.py')])],
    leaks=pathlib.Path(
        load_config(str(config_dir() / 'compare' / 'ferplus_64px.py')).train_dataloader.dataset.exclude_file
    ).is_file(),
    page=(pathlib.Path(report.__file__).parent / 'report.html.j2').is_file(),
)))
"""


def test_installed_wheel_holds_configs_and_model_index(tmp_path):
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    source = tmp_path / 'source'  # setuptools leaves its build folder beside the sources
    for folder in ('dacl_mm', 'configs'):
        shutil.copytree(REPO / folder, source / folder, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(REPO / name, source)
    build = ['wheel', '--no-deps', '--no-build-isolation', str(source), '-w', str(tmp_path)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = tmp_path.glob('dacl_mm-*.whl')
    subprocess.run([*pip, 'install', '--no-deps', '--target', tmp_path / 'site', wheel], check=True)
    done = subprocess.run(
        [sys.executable, '-c', SCRIPT],
        cwd=tmp_path,
        env={'PYTHONPATH': str(tmp_path / 'site')},
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['package'].startswith(str(tmp_path / 'site'))
    assert {p.stem for p in (REPO / 'configs').glob('*.py') if not p.stem.endswith('_paper')} == set(
        found['models']
    )
    assert found['classes'] == 7 and found['head'] == 'DACLAttention'
    assert len(found['methods']) == 8 and found['page'] and found['leaks']
