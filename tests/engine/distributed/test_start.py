"""Processes find each other by what torchrun or Slurm tell them."""

import os
import socket
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from rank_processes import run_ranks, torchrun_variables

from dacl_mm.engine.distributed.faults import lost_processes
from dacl_mm.engine.distributed.start import join_by_gloo, set_processes
from dacl_mm.errors import UserError


def slurm_variables(rank: int, size: int, port: int) -> dict[str, str]:
    address = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    return dict(SLURM_PROCID=str(rank), SLURM_NTASKS=str(size), SLURM_LOCALID=str(rank)) | address


def joined() -> tuple[int, int, float]:
    set_processes(Config(dict(launcher='slurm')))
    total = torch.tensor(10.0 ** torch.distributed.get_rank())
    torch.distributed.all_reduce(total)
    return torch.distributed.get_rank(), int(os.environ['LOCAL_RANK']), total.item()


@pytest.mark.promise(
    'Any number of processes', 'started by srun', 'joined by the variables of Slurm, also without a GPU'
)
def test_processes_of_slurm_join(tmp_path: Path):
    told = run_ranks(tmp_path, 3, joined, variables=slurm_variables, seconds=20)
    assert told == [(rank, rank, 111) for rank in range(3)]


def test_the_first_host_of_a_job_is_the_master_at_a_port_of_the_job(tmp_path, monkeypatch):
    tool = tmp_path / 'scontrol'
    tool.write_text('#!/bin/sh\n[ "$1 $2 $3" = "show hostnames n[3-4]" ] && printf "n3\\nn4\\n"\n')
    tool.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '')  # undone afterwards
        monkeypatch.delenv(name)
    variables = dict(SLURM_PROCID='1', SLURM_NTASKS='2', SLURM_LOCALID='0', SLURM_NODELIST='n[3-4]')
    for name, value in (variables | dict(SLURM_JOB_ID='123456')).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr('dacl_mm.engine.distributed.start.join_by_gloo', lambda cfg: None)
    set_processes(Config(dict(launcher='slurm')))
    assert (os.environ['MASTER_ADDR'], os.environ['MASTER_PORT']) == ('n3', '23456')
    assert (os.environ['RANK'], os.environ['WORLD_SIZE'], os.environ['LOCAL_RANK']) == ('1', '2', '0')


@pytest.mark.parametrize(('launcher', 'missing'), [('pytorch', 'torchrun'), ('slurm', 'SLURM_PROCID')])
def test_processes_that_no_launcher_started_are_refused(monkeypatch, launcher, missing):
    for name in ('RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=missing):
        set_processes(Config(dict(launcher=launcher)))


def test_a_restart_on_the_old_store_is_refused(monkeypatch):
    for name, value in dict(
        RANK='0', TORCHELASTIC_RESTART_COUNT='1', TORCHELASTIC_USE_AGENT_STORE='True'
    ).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match='TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1'):
        set_processes(Config(dict(launcher='pytorch')))


def test_a_port_that_is_taken_is_told(monkeypatch):
    with socket.socket() as taken:
        taken.bind(('', 0))
        taken.listen()
        for name, value in torchrun_variables(0, 1, taken.getsockname()[1]).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UserError, match=r'did not find each other.*MASTER_PORT'), lost_processes():
            join_by_gloo(Config())
