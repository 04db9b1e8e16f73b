"""MMPretrain's own inferencers on our configs: they load the image themselves."""

from copy import deepcopy

import mmpretrain
import numpy as np
import pytest
import torch
from conftest import REPO
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain import FeatureExtractor, ImageClassificationInferencer
from mmpretrain.registry import TRANSFORMS
from PIL import Image

from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.errors import UserError


@pytest.fixture
def trained(tmp_path):
    """Make a tiny model of a config: ``trained('rafdb')`` gives config and checkpoint."""

    def make(name: str) -> tuple[Config, str]:
        cfg = Config.fromfile(REPO / 'configs' / f'dacl_r18_{name}.py')
        cfg.model.backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
        cfg.model.head.in_channels = 32
        cfg.model.head.attention.hidden_channels = (8, 4)
        if name == 'rafdb':
            cfg.test_dataloader.dataset.pipeline[1].scale = 72
            cfg.test_dataloader.dataset.pipeline[2].crop_size = 64
        torch.manual_seed(3)
        settled = deepcopy(cfg)  # as training does; a config alone takes the size from its checkpoint
        settled.model.head.feat_size = 2
        model = mmpretrain.get_model(settled, pretrained=None)
        checkpoint = tmp_path / 'weights.pth'
        meta = dict(dataset_meta=dict(classes=PAPER_CLASSES))
        torch.save(dict(state_dict=model.state_dict(), meta=meta), checkpoint)
        return cfg, str(checkpoint)

    return make


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    Image.fromarray(draw_face('fear', 1, 90)[..., ::-1]).save(path)
    return str(path)


@pytest.mark.parametrize('name', ['rafdb', 'synthetic'])
def test_photo_and_array_give_the_same(trained, photo, name):
    cfg, checkpoint = trained(name)
    bgr = draw_face('fear', 1, 90)
    inferencer = ImageClassificationInferencer(cfg, pretrained=checkpoint)
    by_path, by_array = inferencer([photo, bgr])
    np.testing.assert_array_equal(by_path['pred_scores'], by_array['pred_scores'])
    assert by_path['pred_class'] == PAPER_CLASSES[by_path['pred_scores'].argmax()]
    grey = inferencer(bgr[..., 0])[0]['pred_scores']
    assert grey.sum() == pytest.approx(1, abs=1e-5) and not np.allclose(grey, by_path['pred_scores'])


@pytest.mark.parametrize('name', ['rafdb', 'synthetic'])
def test_features_of_photo_and_array(trained, photo, name):
    cfg, checkpoint = trained(name)
    extract = FeatureExtractor(cfg, pretrained=checkpoint)
    one, other = extract([photo, draw_face('fear', 1, 90)], stage='backbone')
    assert torch.equal(one[0], other[0]) and one[0].shape == (32, 2, 2) and one[0].isfinite().all()


def test_the_inferencer_predicts_what_the_test_pipeline_does(trained, photo):
    """The file read by the data set's own pipeline scores the same."""
    cfg, checkpoint = trained('rafdb')
    init_default_scope('mmpretrain')
    results = dict(img_path=photo, gt_label=0)
    for transform in cfg.test_dataloader.dataset.pipeline:
        results = TRANSFORMS.build(transform)(results)
    inferencer = ImageClassificationInferencer(cfg, pretrained=checkpoint)
    batch = inferencer.model.data_preprocessor(
        dict(inputs=[results['inputs']], data_samples=[results['data_samples']])
    )
    with torch.no_grad():
        expected = inferencer.model(**batch, mode='predict')[0].pred_score
    np.testing.assert_allclose(inferencer(photo)[0]['pred_scores'], expected, atol=1e-6)


@pytest.mark.parametrize('image', [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 4), np.uint8)])
def test_arrays_of_another_kind_are_refused(image):
    init_default_scope('mmpretrain')
    with pytest.raises(UserError, match=r'expected a BGR image of uint8, \(H, W, 3\), or a grey one'):
        TRANSFORMS.build(dict(type='LoadFace'))(dict(img=image))


def test_inference_model_by_name(photo):
    found = mmpretrain.inference_model('softmax_r18_rafdb', photo)
    assert found['pred_class'] == PAPER_CLASSES[found['pred_scores'].argmax()]
