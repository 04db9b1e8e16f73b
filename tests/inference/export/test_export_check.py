"""What is accepted, and what becomes of a folder when something is not."""

import sys

import pytest

from dacl_mm.errors import FileError, UserError
from dacl_mm.inference.export.folder import new_folder
from dacl_mm.inference.export.packages import require_packages

pytest.importorskip('onnxruntime', reason="pip install 'dacl-mm[export]'")
from dacl_mm.inference.export.check import Measured, require_accuracy

EXACT = Measured(images=1000, accuracy=80.0, torch_accuracy=80.0, difference=9e-5, agreement=100.0)


def test_small_losses_pass():
    lost = EXACT._replace(accuracy=79.6, difference=0.3, agreement=98.0)
    require_accuracy(dict(float32=EXACT, int8=lost), 0.5)


@pytest.mark.parametrize(
    'change', [dict(difference=2e-4), dict(agreement=99.9), dict(difference=float('nan'))]
)
def test_float32_must_equal_torch(change):
    with pytest.raises(UserError, match=r'is not the network of torch.*1,000 held-out images'):
        require_accuracy(dict(float32=EXACT._replace(**change)), 100)


@pytest.mark.parametrize('accuracy', [79.4, float('nan')])
def test_a_loss_over_the_bound_is_refused_with_both_numbers(accuracy):
    found = dict(float32=EXACT, int8=EXACT._replace(accuracy=accuracy))
    with pytest.raises(UserError, match=rf'int8 loses .*80.00 % of torch, {accuracy:.2f} % of int8.*0\.5'):
        require_accuracy(found, 0.5)


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(UserError, match='refused'), new_folder(tmp_path / 'a' / 'out') as folder:
        (folder / 'half').write_text('half')
        raise UserError('refused')
    assert not list((tmp_path / 'a').iterdir())
    with new_folder(tmp_path / 'a' / 'out') as folder:
        (folder / 'whole').write_text('whole')
        assert not (tmp_path / 'a' / 'out').exists()
    assert [file.name for file in (tmp_path / 'a').iterdir()] == ['out']
    with pytest.raises(FileError, match='is there already'), new_folder(tmp_path / 'a' / 'out'):
        pass
    assert (tmp_path / 'a' / 'out' / 'whole').read_text() == 'whole'


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    with pytest.raises(UserError, match=r"an export needs onnxscript: pip install 'dacl-mm\[export\]'"):
        require_packages(('onnxruntime', 'onnxscript'), 'an export')
