"""Trainings in processes of their own; what they run is told by their reports."""

import threading
import time

import pytest

from dacl_mm.benchmarks.player import Player
from dacl_mm.benchmarks.turns import Turns
from dacl_mm.errors import UserError

pytestmark = pytest.mark.slow  # processes that import everything
SIZE = 3_000_000


def write(path, delay=0.0):
    time.sleep(delay)
    path.write_bytes(bytes(SIZE))


def training(connection, folder):
    """Write in a thread that goes on after the epoch, and in the thread of the training."""
    turns = Turns(connection)
    threads = []
    while True:
        turns.next()
        thread = threading.Thread(target=write, args=(folder / f'later_{len(threads)}', 0.1))
        thread.start()
        threads.append(thread)
        with turns.checkpoint():
            write(folder / f'now_{len(threads)}')


def failing(connection):
    Turns(connection).next()
    raise ValueError('broken')


def test_a_training_runs_only_when_it_is_its_turn_and_ends_when_none_follows(tmp_path):
    with Player(training, tmp_path) as player:
        for epoch in (1, 2):
            report = player.ask('epoch')
            assert 2 * SIZE <= report.written < 2.1 * SIZE  # the thread's too
            assert 0 < report.waited <= report.seconds
            assert report.host > 1e6 and report.worker == 0
            assert len(list(tmp_path.iterdir())) == 2 * epoch
    assert len(list(tmp_path.iterdir())) == 4


def test_a_training_that_fails_is_told(capfd):
    with Player(failing) as player, pytest.raises(UserError, match='has ended'):
        player.ask('epoch')
    assert 'ValueError: broken' in capfd.readouterr().err
