"""tools/measure_framing.py from end to end, on embedded faces."""

import json

import numpy as np
import pytest
from conftest import REPO, run_tool
from networks import small_config, write_checkpoint

from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.inference import TorchClassifier

pytest.importorskip('facenet_pytorch', reason="needs pip install 'dacl-mm[inference]'")
CONFIG = REPO / 'configs/softmax_r18_synthetic.py'
FEW = ['--cfg-options', 'train_dataloader.dataset.num_images=60', 'test_dataloader.dataset.num_images=28']


def test_framing_is_measured_stored_and_checked(tmp_path):
    model = write_checkpoint(tmp_path / 'model.pth', small_config())
    before = load_checkpoint(model)
    options = ['--checkpoint', model, '--images', 20, '--check', 3, '--json', tmp_path / 'all.json']
    done = run_tool('measure_framing', CONFIG, *options, *FEW)
    assert '20 faces found in 20 images' in done.stdout and 'pasted into scenes' in done.stdout
    found = json.loads((tmp_path / 'all.json').read_text())
    assert (found['images'], len(found['check'])) == (20, 16)
    framing = TorchClassifier.from_files(None, str(model)).info.framing
    assert np.allclose(framing.landmarks, found['framing']['landmarks'])
    left, right, nose, *mouth = np.array(framing.landmarks)
    assert left[0] < nose[0] < right[0] and left[1] < nose[1] < mouth[0][1]
    after = load_checkpoint(model)
    assert after['meta'].pop('inference') and after['meta'] == before['meta']
    assert all((value == after['state_dict'][name]).all() for name, value in before['state_dict'].items())


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (['--check', '5'], '--checkpoint'),
        (['--images', '0'], 'positive'),
        (['--detector', 'eyes'], "no detector 'eyes'"),
        (['--images', '3'], 'more --images'),
        (['--checkpoint', 'missing.pth'], 'missing.pth does not exist'),
    ],
)
def test_mistakes(options, says):
    done = run_tool('measure_framing', CONFIG, *options, *FEW, check=False)
    assert done.returncode == 2 and says in done.stderr + done.stdout and 'Traceback' not in done.stderr
