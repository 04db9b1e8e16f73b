import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from dacl_mm.engine.checkpoint.saver import save_checkpoint
from dacl_mm.engine.checkpoint.snapshot import LARGE, Snapshot


def checkpoint() -> dict:
    """A model in channels-last with tied weights, its optimizer after a step, and plain values."""
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(600, 600))
    model.append(torch.nn.Linear(600, 600))[-1].weight = model[2].weight
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    row = torch.arange(12.0)
    return dict(
        meta=dict(epoch=1, classes=('a', 'b'), scores=[1.5, None]),
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        views=[row, row[3:7], row.view(3, 4).T, row[:1].expand(5), torch.empty(0), torch.tensor(2)],
    )


def train_on(content: dict) -> None:
    for tensor in [*content['state_dict'].values(), content['views'][0]]:
        tensor.add_(1)
    for state in content['optimizer']['state'].values():
        state['exp_avg'].zero_()
    content['meta']['scores'].append(2.5)
    content['meta']['epoch'] = 2


def test_the_file_is_that_of_a_write_in_the_foreground_though_training_went_on(tmp_path):
    content = checkpoint()
    save_checkpoint(content, tmp_path / 'foreground.pth')
    snapshot = Snapshot()
    copy = snapshot.take(content)
    train_on(content)
    snapshot.wait()
    save_checkpoint(copy, tmp_path / 'background.pth')
    foreground, background = (
        (tmp_path / f'{name}.pth').read_bytes() for name in ('foreground', 'background')
    )
    assert foreground == background
    loaded = torch.load(tmp_path / 'background.pth', weights_only=True)
    assert loaded['meta'] == dict(epoch=1, classes=('a', 'b'), scores=[1.5, None])
    assert loaded['state_dict']['0.weight'].is_contiguous(memory_format=torch.channels_last)
    save_checkpoint(content, tmp_path / 'later.pth')
    assert (tmp_path / 'later.pth').read_bytes() != foreground


def test_the_memory_is_kept_for_the_next_copy():
    content, snapshot = checkpoint(), Snapshot()
    first = addresses(snapshot.take(content))
    train_on(content)
    content['views'].append(torch.zeros(7))  # as logs grow
    content['meta']['array'] = array = np.zeros(2)  # of a hook that leaves it to pickle
    second = snapshot.take(content)
    assert len(first) == 3 and addresses(second) == first
    array += 1
    assert second['meta']['array'].tolist() == [0, 0]
    for name, value in content['state_dict'].items():
        assert torch.equal(second['state_dict'][name], value)


def addresses(copy: dict) -> set[int]:
    """Return where the large tensors are: the tied weight and its two moments."""
    moments = copy['optimizer']['state'].values()
    tensors = [*copy['state_dict'].values(), *(value for state in moments for value in state.values())]
    return {tensor.data_ptr() for tensor in tensors if tensor.numel() * 4 > LARGE}


@pytest.mark.skipif(not Path('/proc/self/maps').exists(), reason='the system has no /proc')
def test_a_process_forked_meanwhile_does_not_hold_on_to_the_copy():
    weight = torch.randn(LARGE)
    copy = Snapshot().take(dict(state_dict=OrderedDict(weight=weight)))['state_dict']['weight']

    def is_mapped(address: int) -> bool:
        ranges = (line.split()[0].split('-') for line in Path('/proc/self/maps').read_text().splitlines())
        return any(int(start, 16) <= address < int(end, 16) for start, end in ranges)

    assert is_mapped(weight.data_ptr()) and is_mapped(copy.data_ptr())
    child = os.fork()
    if child == 0:
        os._exit(0 if is_mapped(weight.data_ptr()) and not is_mapped(copy.data_ptr()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
