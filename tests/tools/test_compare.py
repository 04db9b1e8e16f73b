"""tools/compare.py: killed, restarted, refused, failing; on one machine and on a Ray cluster."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO, run_tool

from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.comparison.plan.runs import Run, plan_runs
from dacl_mm.comparison.run.executors import LocalExecutor
from dacl_mm.comparison.run.robustness import corrupt_runs

OPTIONS = {
    'train_dataloader.dataset.num_images': 48,
    'train_dataloader.batch_size': 16,
    'train_dataloader.num_workers': 0,
    'val_dataloader.dataset.num_images': 14,
    'val_dataloader.num_workers': 0,
    'test_dataloader.dataset.num_images': 14,
    'test_dataloader.num_workers': 0,
}


def write_set(folder: Path, methods: str, epochs: int = 3) -> Path:
    path = folder / 'set.py'
    path.write_text(f"""_base_ = {str(REPO / 'configs/softmax_r18_synthetic.py')!r}
small = {{'model.head.feat_size': 2, 'model.head.attention.hidden_channels': [16, 8]}}
train_cfg = dict(max_epochs={epochs})
param_scheduler = dict(total_steps={epochs})
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18.py'),
    dacl=dict(model='_base_/models/dacl_r18.py', options=small),
    {methods}
)
""")
    return path


def options() -> list[str]:
    return [f'{key}={value}' for key, value in OPTIONS.items()]


def arguments(config: Path, work: Path, *more: str) -> list[str]:
    return [str(config), '--seeds', '2', '--work-dir', str(work), *more, '--cfg-options', *options()]


def start(args: list[str]) -> subprocess.Popen:
    command = [sys.executable, str(REPO / 'tools/compare.py'), *args]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_for(seen, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not seen():
        assert process.poll() is None, process.stdout.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def results(work: Path) -> list[Path]:
    return sorted(work.glob('runs/*/*/*/result.json'))


@pytest.fixture(scope='module')
def compared(tmp_path_factory):
    """Kill a comparison amid its second run, refuse a rival meanwhile, then finish it."""
    folder = tmp_path_factory.mktemp('compare')
    more = """broken=dict(model='_base_/models/softmax_r18.py', options={'model.head.in_channels': 99}),
    adjusted=dict(weights_of='softmax', options=dict(logit_adjustment=0.5)),"""
    config, work = write_set(folder, more), folder / 'work'
    seen: dict = dict(config=config, work=work)
    process = start(arguments(config, work))
    wait_for(lambda: (work / '.lock').is_file() and (work / '.lock').read_text(), process)
    seen['rival'] = run_tool('compare', *arguments(config, work), check=False)
    second = work / 'runs/held-out/dacl/seed_0'
    wait_for(lambda: results(work) and list(second.glob('epoch_*.pth')), process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    seen['first'] = {path: path.stat().st_mtime_ns for path in results(work)}
    seen['done'] = run_tool('compare', *arguments(config, work, '--jobs', '2'), check=False)
    return seen


def test_a_rival_is_refused(compared):
    rival = compared['rival']
    assert rival.returncode == 2 and 'Traceback' not in rival.stderr
    assert 'another comparison works in' in rival.stderr and 'process ' in rival.stderr


def test_it_goes_on_and_repeats_nothing_finished(compared):
    assert len(compared['first']) == 1
    for path, written in compared['first'].items():
        assert path.stat().st_mtime_ns == written
    assert '8 runs, 1 of them finished before' in compared['done'].stdout
    log = (compared['work'] / 'runs/held-out/dacl/seed_0/job.log').read_text()
    assert 'resumed epoch: ' in log
    result = json.loads((compared['work'] / 'runs/held-out/dacl/seed_0/result.json').read_text())
    assert [row['epoch'] for row in result['validation']] == [1, 2, 3] and len(result['loss']) == 3
    assert [row['epoch'] for row in result['attention']] == [0, 1, 2, 3]
    assert result['attention_diagnosis']['images'] == 14


def test_a_failed_run_does_not_stop_the_others(compared):
    work, done = compared['work'], compared['done']
    assert done.returncode == 1 and 'broken seed 0, broken seed 1' in done.stderr
    assert sorted(path.parent.parent.name for path in results(work)) == [
        name for name in ('adjusted', 'dacl', 'softmax') for _ in range(2)
    ]
    page = (work / 'report.html').read_text()
    assert 'broken, seed 1 (exit status 1)' in page and 'RuntimeError' in page
    saved = json.loads((work / 'results.json').read_text())
    assert {row['seed'] for row in saved['failed']} == {0, 1}


def test_tables_hold_every_run(compared):
    work = compared['work']
    with open(work / 'results.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['method'], row['seed']) for row in rows] == [
        (method, seed) for method in ('softmax', 'dacl', 'adjusted', 'broken') for seed in '01'
    ]
    assert not any(row['accuracy'] for row in rows[6:])  # those of the method that fails
    for row in rows[:6]:
        run = json.loads((work / f'runs/held-out/{row["method"]}/seed_{row["seed"]}/result.json').read_text())
        assert float(row['accuracy']) == run['metrics']['accuracy/top1']
        best = max(run['validation'], key=lambda r: r['accuracy/top1'])
        assert int(row['selected_epoch']) == best['epoch']
    assert rows[0]['deploy_parameters'] == rows[2]['deploy_parameters'] == '11180103'
    assert int(rows[2]['train_parameters']) > int(rows[0]['train_parameters'])
    # Only the selected weights stay, without optimizer states.
    kept = sorted(path.name for path in work.glob('runs/*/*/*/*.pth') if path.parent.parent.name != 'broken')
    assert kept == ['selected.pth'] * 4


def test_what_is_not_trained_tests_the_weights_of_the_same_seed(compared):
    runs = compared['work'] / 'runs/held-out'
    for seed in (0, 1):
        own, source = ({}, {})
        for name, found in (('adjusted', own), ('softmax', source)):
            folder = runs / name / f'seed_{seed}'
            found |= json.loads((folder / 'result.json').read_text())
            with np.load(folder / 'predictions.npz') as arrays:
                found |= dict(arrays)
        assert 'metrics' in own and own['selected_epoch'] == source['selected_epoch']
        np.testing.assert_allclose(own['embedding'], source['embedding'], rtol=1e-5, atol=1e-5)
        assert own['metrics']['logit_adjustment/strength'] == 0.5
        assert not list((runs / 'adjusted' / f'seed_{seed}').glob('*.pth'))
        shares = np.array([7, 7, 7, 7, 7, 7, 6]) / 48  # of the training images
        score = source['score'] / shares**0.5
        np.testing.assert_allclose(own['score'], score / score.sum(1, keepdims=True), rtol=1e-4)
        assert own['seconds'] < source['seconds']  # its own


@pytest.mark.slow
def test_a_finished_run_is_tested_on_corrupted_images_once(compared):
    work = compared['work']
    runs = [Run('softmax', seed, 'held-out', work / f'runs/held-out/softmax/seed_{seed}') for seed in (0, 7)]
    runs.append(Run('adjusted', 0, 'held-out', work / 'runs/held-out/adjusted/seed_0', 'softmax'))
    assert corrupt_runs(runs) == []
    its = json.loads((runs[2].folder / 'robustness.json').read_text())
    assert its['clean']['logit_adjustment/strength'] == 0.5
    found = json.loads((runs[0].folder / 'robustness.json').read_text(), parse_constant=pytest.fail)
    assert len(found['corruptions']) == 8 and found['strengths'] == [1, 2, 3, 4, 5]
    metrics = {key: value for key, value in runs[0].result()['metrics'].items() if value is not None}
    assert {key: found['clean'][key] for key in metrics} == pytest.approx(metrics, abs=1e-3)
    written = (runs[0].folder / 'robustness.json').stat().st_mtime_ns
    assert corrupt_runs(runs) == []  # what is there is left, and a run that is not finished too
    assert (runs[0].folder / 'robustness.json').stat().st_mtime_ns == written
    assert not runs[1].folder.exists()


def test_a_changed_config_is_refused(compared):
    args = arguments(compared['config'], compared['work'])
    done = run_tool('compare', *args, 'optim_wrapper.optimizer.lr=0.5', check=False)
    assert done.returncode == 2 and 'was made with another config' in done.stderr


def test_dry_run_shows_the_plan_and_starts_nothing(tmp_path):
    # A step of the first needs the classes' shares of the training images.
    config = write_set(tmp_path, "adjusted=dict(model='_base_/models/logit_adjusted_r18.py'),")
    done = run_tool('compare', *arguments(config, tmp_path / 'work', '--dry-run'))
    assert '6 runs, 6 waiting: about 0:0' in done.stdout
    assert done.stdout.count('waiting ') >= 4 and not (tmp_path / 'work').exists()


def test_mistakes_are_named(tmp_path):
    config = write_set(tmp_path, "lost=dict(model='nowhere.py'),")
    done = run_tool('compare', config, '--work-dir', tmp_path / 'w', check=False)
    assert done.returncode == 2 and 'nowhere.py exists neither in' in done.stderr
    assert 'Traceback' not in done.stderr

    softmax, other, paper = (
        str(REPO / f'configs/{name}.py')
        for name in ('softmax_r18_synthetic', 'softmax_r18_rafdb', 'dacl_r18_rafdb_paper')
    )
    with pytest.raises(ValueError, match='two methods are named softmax_r18_synthetic'):
        read_methods([softmax, softmax])
    with pytest.raises(ValueError, match='tested on different images'):
        read_methods([softmax, other])
    with pytest.raises(ValueError, match='load_from and resume'):
        read_methods([softmax], dict(load_from='a.pth'))
    with pytest.raises(ValueError, match='compare with --protocol paper'):
        plan_runs(read_methods([paper]), 1, 'held-out', tmp_path)
    with pytest.raises(ValueError, match='--jobs must be at least 1'):
        LocalExecutor(0)


def test_paper_protocol_selects_on_the_test_split_and_says_so(tmp_path):
    methods = read_methods([str(REPO / 'configs/softmax_r18_rafdb.py')])
    ((_, held),) = plan_runs(methods, 1, 'held-out', tmp_path)
    ((run, paper),) = plan_runs(methods, 1, 'paper', tmp_path)
    assert (held.train_dataloader.dataset.split, held.val_dataloader.dataset.split) == ('train', 'val')
    assert (paper.train_dataloader.dataset.split, paper.val_dataloader.dataset.split) == ('trainval', 'test')
    assert paper.protocol == 'paper protocol' and 'runs/paper/' in str(run.folder)


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    'a comparison gets SIGTERM or Ctrl-C inside an epoch of a run',
    'the run saves its step; the same command goes on there, to the same result',
)
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_stopped_inside_an_epoch_it_goes_on_there(tmp_path, number):
    config = write_set(tmp_path, '', epochs=2)
    config.write_text(
        config.read_text().replace('methods =', 'train_dataloader = dict(num_workers=1)\nmethods =')
    )
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    run_tool('compare', *arguments(config, whole), 'train_dataloader.dataset.num_images=320')
    args = arguments(config, cut)
    args.append('train_dataloader.dataset.num_images=320')
    process = start(args)
    first = cut / 'runs/held-out/softmax/seed_0'
    wait_for(lambda: list(first.glob('epoch_1.pth')), process)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 75 and 'the same command goes on from here' in out, out[-3000:]
    assert list(first.glob('*.pth')), 'what it goes on from'
    assert 'and saved' in (first / 'job.log').read_text()
    run_tool('compare', *args)
    for path in results(whole):
        wanted, found = (json.loads((work / path.relative_to(whole)).read_text()) for work in (whole, cut))
        for key in ('validation', 'loss', 'attention', 'metrics', 'selected_epoch'):
            assert wanted[key] == found[key], key


@pytest.mark.slow
def test_a_ray_cluster_loses_a_node(tmp_path):
    pytest.importorskip('ray', reason="Ray is not installed: pip install 'dacl-mm[ray]'")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=0))
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        config, work = write_set(tmp_path, '', epochs=6), tmp_path / 'work'
        process = start(arguments(config, work, '--ray', cluster.address))
        first = [work / f'runs/held-out/{name}/seed_0' for name in ('softmax', 'dacl')]
        wait_for(lambda: all(list(run.glob('epoch_*.pth')) for run in first), process)
        cluster.remove_node(nodes[1], allow_graceful=False)
        out, _ = process.communicate(timeout=500)
        assert process.returncode == 0, out[-3000:]
    finally:
        cluster.shutdown()
    assert len(results(work)) == 4 and (work / 'report.html').is_file()
    logs = [(run / 'job.log').read_text() for run in first]
    assert sum(log.count('resumed epoch: ') for log in logs) == 1, 'the lost run goes on, the other runs once'
    for path in results(work):
        assert [row['epoch'] for row in json.loads(path.read_text())['validation']] == [1, 2, 3, 4, 5, 6]
