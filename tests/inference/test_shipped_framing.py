"""What the shipped network loses in photographs, on real faces."""

import pytest
from conftest import REPO
from mmengine.config import Config

from dacl_mm.inference.crops import SampledCrops
from dacl_mm.inference.detectors import build_detector
from dacl_mm.inference.framing_check import check_framing
from dacl_mm.inference.models import SHIPPED, WEIGHTS, load_classifier

pytest.importorskip('facenet_pytorch', reason="needs pip install 'dacl-mm[inference]'")


@pytest.mark.slow
@pytest.mark.skipif(not (WEIGHTS / f'{SHIPPED}.pth').is_file(), reason='no network is shipped')
def test_faces_in_scenes_lose_less_than_three_points(faces, monkeypatch):
    monkeypatch.setenv('FERPLUS_ROOT', str(faces('ferplus', train=100, test=600)))
    classifier = load_classifier(device='cpu')
    assert classifier.info.framing is not None, 'tools/measure_framing.py has not been run for it'
    cfg = Config.fromfile(REPO / 'configs/softmax_r18h_ferplus_publictest.py')
    crops = SampledCrops(cfg.test_dataloader.dataset, 400)
    rows = list(check_framing(crops, classifier, classifier.info.framing, build_detector('retinaface')))
    as_they_are, *_, aligned = rows
    assert aligned.found > 97
    assert aligned.accuracy_found > as_they_are.accuracy - 3
