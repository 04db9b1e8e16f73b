"""The wheel, built from the source distribution, away from the checkout."""

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from conftest import REPO

DATA = {
    'py.typed',
    'comparison/report/report.html.j2',
    'configs/README.md',
    *(f'serving/static/{file.name}' for file in (REPO / 'dacl_mm/serving/static').iterdir()),
    'configs/model-index.yml',
    'inference/export/card.md.j2',
    'weights/README.md',
    'weights/fer_r18h.pth',
    'configs/_base_/datasets/ferplus_publictest_leaks.txt',
}
SCRIPT = """
import contextlib, io, json, pathlib, sys
import dacl_mm, mmpretrain
from dacl_mm.cli.__main__ import COMMANDS, main
from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.config import load_config

pathlib.Path('mine.py').write_text("_base_ = 'dacl_mm::dacl_r18_rafdb.py'")
helps = {}
for command in ['', *COMMANDS]:
    sys.argv = ['dacl-mm', *([command] if command else []), '--help']
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main()
    helps[command] = out.getvalue()
sys.argv = ['dacl-mm', 'trian']
with contextlib.redirect_stderr(io.StringIO()) as unknown:
    try:
        main()
    except SystemExit as ended:
        status = ended.code
print(json.dumps(dict(
    package=dacl_mm.__file__,
    models=mmpretrain.list_models('*_r18*'),
    classes=mmpretrain.get_model('dacl_r18_synthetic').head.num_classes,
    head=load_config('mine.py').model.head.attention.type,
    methods=[m.name for m in read_methods(['compare/synthetic.py'])],
    shipped=mmpretrain.get_model('fer_r18h', pretrained=True)._dataset_meta['classes'][1],
    leaks=pathlib.Path(load_config('compare/ferplus_64px').train_dataloader.dataset.exclude_file).is_file(),
    helps=helps,
    unknown=unknown.getvalue(),
    status=status,
)))
"""


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Build both distributions of a copy without what is made again, and install the wheel."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'  # setuptools leaves its build folder beside the sources
    for name in ('dacl_mm', 'configs', 'tests'):
        ignored = shutil.ignore_patterns('*.pyc')  # their folders stay
        shutil.copytree(REPO / name, source / name, symlinks=True, ignore=ignored)
    for name in ('setup.cfg', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE'):
        shutil.copy(REPO / name, source)
    command = [sys.executable, '-m', 'build', '--no-isolation', '--outdir', folder, source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob('dacl_mm-*.whl')
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, 'install', '--no-deps', '--target', folder / 'site', wheel], check=True)
    return folder


def run(folder, *command, check=True):
    env = {'PYTHONPATH': str(folder / 'site'), 'OMP_NUM_THREADS': '2'}
    done = subprocess.run([*map(str, command)], cwd=folder, env=env, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def test_both_distributions_hold_what_is_needed_and_no_more(built):
    (wheel,), (sdist,) = built.glob('*.whl'), built.glob('*.tar.gz')
    configs = {path.relative_to(REPO).as_posix() for path in (REPO / 'configs').rglob('*.py')}
    with tarfile.open(sdist) as file:
        sources = {name.partition('/')[2] for name in file.getnames()}
    assert not any(name.startswith(('tests', 'work_dirs')) for name in sources)
    held = set(zipfile.ZipFile(wheel).namelist())
    for names in (sources, held):
        assert {f'dacl_mm/{name}' for name in DATA | configs} <= names
        assert not any('__pycache__' in name or name.startswith('configs/') for name in names)
    others = {name for name in held if not name.endswith('.py') and '.dist-info/' not in name}
    assert others == {f'dacl_mm/{name}' for name in DATA}


def test_the_installed_package_knows_its_configs_and_commands(built):
    found = json.loads(run(built, sys.executable, '-c', SCRIPT).stdout.splitlines()[-1])
    assert found['package'].startswith(str(built / 'site'))
    assert {p.stem for p in (REPO / 'configs').glob('*.py') if not p.stem.endswith('_paper')} == set(
        found['models']
    )
    assert found['classes'] == 7 and found['head'] == 'DACLAttention'
    assert len(found['methods']) == 8 and found['leaks'] and found['shipped'] == 'happiness'
    assert found['helps'].keys() >= {'train', 'test', 'compare', 'verify', 'demo'}
    for command, text in found['helps'].items():
        assert text.startswith(f'usage: dacl-mm {command}'), text
    assert found['status'] == 2 and 'no command trian' in found['unknown']


def test_the_console_script_ends_as_the_tools_do(built):
    done = run(built, built / 'site/bin/dacl-mm', 'test', 'nowhere.py', 'x.pth', check=False)
    assert done.returncode == 2 and 'error: config nowhere.py does not exist' in done.stderr


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel(built):
    options = [
        *(f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')),
        *(f'{part}_dataloader.dataset.num_images=42' for part in ('train', 'val', 'test')),
        'train_cfg.max_epochs=1',
        'param_scheduler.total_steps=1',
    ]
    done = run(built, built / 'site/bin/dacl-mm', 'demo', '--work-dir', 'demo', '--cfg-options', *options)
    assert 'softmax' in done.stdout and 'dacl-mm train dacl_r18_rafdb.py' in done.stdout
    assert (built / 'demo/report.html').is_file()
    again = run(built, built / 'site/bin/dacl-mm', 'demo', '--work-dir', 'demo', '--cfg-options', *options)
    assert '2 of them finished before' in again.stdout
