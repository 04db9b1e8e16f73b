"""Machines that cannot be set up are told why, in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPO

SCRIPT = REPO / 'tools' / 'make_venv.sh'


@pytest.fixture
def bare(tmp_path):
    """A PATH with the core commands and no Python."""
    for name in ('bash', 'awk', 'df', 'rm'):
        (tmp_path / name).symlink_to(shutil.which(name))
    return tmp_path


def make_venv(path: Path, *args: object) -> subprocess.CompletedProcess:
    env = {'PATH': str(path), 'HOME': os.environ.get('HOME', '/')}
    return subprocess.run(
        [shutil.which('bash'), str(SCRIPT), *map(str, args)],
        cwd=path, env=env, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize('old', [False, True])
def test_no_suitable_python(bare, old):
    if old:
        (bare / 'python3').write_text('#!/bin/sh\nexit 1\n')  # its version check fails
        (bare / 'python3').chmod(0o755)
    done = make_venv(bare, 'env', 0)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert 'install one' in done.stderr and 'PYTHON=' in done.stderr
    assert not (bare / 'env').exists()


def test_disk_too_small(bare):
    done = make_venv(bare, 'env', 10_000_000)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert '10000000 GB' in done.stderr and 'free some' in done.stderr


def test_an_environment_is_kept(bare):
    (bare / 'env' / 'bin').mkdir(parents=True)
    (bare / 'env' / 'bin' / 'python').symlink_to(shutil.which('true'))
    assert make_venv(bare, 'env', 10_000_000).returncode == 0
