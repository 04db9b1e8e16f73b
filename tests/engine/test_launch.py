"""What cannot train says so before, and what dies while training says why."""

import os
import signal

import pytest
from small_runner import Points, make_runner

from dacl_mm.engine.launch import memory_faults, require_batches
from dacl_mm.errors import UserError


class Deadly(Points):
    """Its reading process is killed, as the system does when memory runs out."""

    def __getitem__(self, i):
        os.kill(os.getpid(), signal.SIGKILL)


def loader(**changes):
    options = dict(
        batch_size=3,
        dataset=Points(),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
        num_workers=0,
        drop_last=True,
    )
    return options | changes


def test_a_batch_larger_than_the_data_is_refused(tmp_path):
    runner = make_runner(tmp_path, train_dataloader=loader(batch_size=7))
    with pytest.raises(UserError, match=r'6 training images < batch 7.*train_dataloader\.batch_size'):
        require_batches(runner)
    require_batches(make_runner(tmp_path, train_dataloader=loader(batch_size=6)))


def test_a_share_of_the_data_smaller_than_a_batch_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (0, 2))
    runner = make_runner(tmp_path, train_dataloader=loader(batch_size=4))
    monkeypatch.setattr(type(runner), 'world_size', 2)
    with pytest.raises(UserError, match='3 training images for each process < batch 4'):
        require_batches(runner)


@pytest.mark.promise(
    'Any interruption', 'a loader process is killed', 'training ends and says why, and what to change'
)
def test_a_killed_loader_process_is_explained(tmp_path):
    runner = make_runner(tmp_path, train_dataloader=loader(dataset=Deadly(), num_workers=1))
    with (
        pytest.raises(UserError, match='loader process was ended from outside'),
        memory_faults(),
    ):
        runner.train()


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match=r'^shapes'), memory_faults():
        raise RuntimeError('shapes differ')
