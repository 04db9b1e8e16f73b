"""A long training takes no more memory than a short one."""

import time
from pathlib import Path

import pytest
import tool_process
from conftest import REPO
from tiny_config import write_config

#: Growth that is allowed from the first half to the second, of all processes together. The log's
#: history grows by 2,000 numbers of each value.
BOUND = 16e6  # bytes


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def private_memory(pid: int) -> int:
    """Return the bytes that a process shares with no other file or process: its anonymous memory."""
    status = Path(f'/proc/{pid}/status').read_text()
    return 1024 * int(status.split('RssAnon:')[1].split()[0])


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    '2,000 iterations with a checkpoint every second in the background',
    'memory stays flat: the second half takes at most 16 MB more than the first',
)
def test_memory_is_flat_over_2000_iterations(tmp_path):
    config = write_config(tmp_path / 'tiny.py', 4000, epochs=4, workers=1, minutes=1 / 60)
    work, log = tmp_path / 'work', tmp_path / 'log'
    process = tool_process.start(REPO / 'tools' / 'train.py', [config, '--work-dir', work], log)
    halves: dict[bool, list[int]] = {False: [], True: []}
    saves = set()
    while process.is_alive():
        saves |= {path.name for path in work.glob('*.pth')}
        if any(name.startswith('autosave') for name in saves):
            late = any(name.startswith(('epoch_2', 'epoch_3')) for name in saves)
            try:
                total = sum(private_memory(pid) for pid in [process.pid, *children(process.pid)])
            except (FileNotFoundError, IndexError, ProcessLookupError):  # a process that ends
                continue
            halves[late].append(total)
        time.sleep(0.1)
    assert process.exitcode == 0, log.read_text()[-3000:]
    assert sum(name.startswith('autosave') for name in saves) > 10
    first, second = (max(halves[late]) for late in (False, True))
    print(f'most memory: {first / 1e6:.1f} MB in the first half, {second / 1e6:.1f} MB in the second')
    assert second < first + BOUND
