"""The weights that come with the package, under their name in MMPretrain's hub."""

import mmpretrain
import pytest
import torch
from conftest import REPO
from mmengine.config import Config
from mmpretrain import ImageClassificationInferencer
from mmpretrain.apis.model import ModelHub
from mmpretrain.registry import MODELS
from PIL import Image

from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.engine.checkpoint.fit import check_weights
from dacl_mm.hub import WEIGHTS
from dacl_mm.inference import SHIPPED, ModelInfo

FILE = WEIGHTS / f'{SHIPPED}.pth'
shipped = pytest.mark.skipif(not FILE.is_file(), reason=f'{FILE} does not exist')


def test_only_weights_of_the_package_have_a_path():
    paths = {name: ModelHub.get(name).weights for name in ('softmax_r18h_ferplus', SHIPPED)}
    assert paths == {'softmax_r18h_ferplus': None, SHIPPED: str(FILE)}
    assert ModelHub.get('resnet18_8xb32_in1k').weights.startswith('https')


@shipped
def test_the_file_is_small_and_plain_and_says_what_it_is():
    assert FILE.stat().st_size < 6e6
    checkpoint = torch.load(FILE, weights_only=True)
    info = ModelInfo.from_dict(checkpoint['meta']['inference'], FILE)
    assert info.name == SHIPPED and info.classes == tuple(checkpoint['meta']['dataset_meta']['classes'])
    assert info.size == (48, 48) and 0.3 < info.temperature < 3 and 1 / 7 < info.unsure < 1
    assert 'research' in info.licence and 'FER+' in info.training
    assert not [line for line in checkpoint['meta']['cfg'].splitlines() if 'root' in line or '/' in line]


@shipped
def test_its_name_and_its_own_config_give_the_same_model():
    checkpoint = torch.load(FILE, weights_only=True)
    named = mmpretrain.get_model(SHIPPED, pretrained=True)
    own = MODELS.build(Config.fromstring(checkpoint['meta']['cfg'], '.py').model).eval()
    own.load_state_dict(checkpoint['state_dict'])
    images = torch.randn(4, 3, 48, 48)
    with torch.no_grad():
        assert torch.equal(named(images), own(images))
    assert next(named.parameters()).dtype == torch.float32
    cfg = Config.fromfile(REPO / 'configs' / f'{SHIPPED}.py')
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    check_weights(model, checkpoint, FILE)  # what tools/test.py asks of it


@shipped
def test_the_inferencer_takes_the_name(tmp_path):
    face = draw_face('happiness', 1, 90)
    Image.fromarray(face[..., ::-1]).save(tmp_path / 'face.png')
    (found,) = ImageClassificationInferencer(SHIPPED)(str(tmp_path / 'face.png'))
    info = ModelInfo.from_dict(torch.load(FILE, weights_only=True)['meta']['inference'], FILE)
    assert found['pred_class'] == info.classes[found['pred_label']]
    assert found['pred_scores'].sum() == pytest.approx(1, abs=1e-5)
