"""Every kind of head and backbone becomes a graph that does what torch does."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.config import load_config
from dacl_mm.inference import ModelInfo
from dacl_mm.inference.export.graph import INPUT, Deployed, write_graph

onnx = pytest.importorskip('onnx', reason="pip install 'dacl-mm[export]'")
pytest.importorskip('onnxscript', reason="pip install 'dacl-mm[export]'")
runtime = pytest.importorskip('onnxruntime', reason="pip install 'dacl-mm[export]'")

SMALL = dict(base_channels=8, stem_channels=8, init_cfg=None)
HEADS = dict(softmax={}, center={}, ratio=dict(predict_by='both'), lgm={})


def small_model(method: str) -> torch.nn.Module:
    """Return a narrow network of a method, with weights and statistics of its own."""
    init_default_scope('mmpretrain')
    cfg = load_config(f'_base_/models/{method}_r18.py')
    model = ConfigDict(cfg.model)
    model.backbone.update(SMALL)
    head = model.head.get('head', model.head)
    head.in_channels = 64
    model.head.update(HEADS[method])
    model.data_preprocessor = dict(type='ClsDataPreprocessor', **cfg.data_preprocessor)
    built = MODELS.build(model)
    for name, value in built.named_buffers():
        if name.endswith('running_var'):
            value.uniform_(0.1, 0.3)
    return built.eval()


@pytest.mark.parametrize('method', HEADS)
def test_a_graph_is_the_network(method, tmp_path):
    model, temperature = small_model(method), 1.3
    preprocessor = model.data_preprocessor
    statistics = dict(mean=preprocessor.mean.flatten().tolist(), std=preprocessor.std.flatten().tolist())
    info = ModelInfo('x', tuple('abcdefg'), (40, 32), temperature=temperature, **statistics)
    write_graph(Deployed(model, info, rgb=True), info.size, tmp_path / 'x.onnx')
    session = runtime.InferenceSession(tmp_path / 'x.onnx')
    for count in (1, 5):
        crops = torch.randint(0, 256, (count, 32, 40, 3), dtype=torch.uint8)
        bgr = crops.permute(0, 3, 1, 2).flip(1)
        with torch.no_grad():
            samples = model.test_step(dict(inputs=list(bgr), data_samples=None))
        score = torch.stack([sample.pred_score for sample in samples]).double()
        expected = (score.log() / temperature).softmax(1)
        (found,) = session.run(None, {INPUT: crops.numpy()})
        assert found.shape == (count, 7) and found.dtype == np.float32
        assert np.abs(found - expected.numpy()).max() < 1e-5
    names = {tensor.name for tensor in onnx.load(tmp_path / 'x.onnx').graph.initializer}
    needed = method == 'ratio'  # whose centres predict here
    assert any('attention' in name for name in names) == needed


def test_a_network_of_bgr_images_gets_them(tmp_path):
    class Blue(torch.nn.Module):
        def forward(self, images, mode):
            assert mode == 'tensor'
            return images.mean((2, 3))

    crops = np.zeros((2, 4, 4, 3), np.uint8)
    crops[0, ..., 2] = 3  # blue
    crops[1, ..., 0] = 3  # red
    info = ModelInfo('x', ('blue', 'green', 'red'), (4, 4))
    write_graph(Deployed(Blue(), info, rgb=False), (4, 4), tmp_path / 'x.onnx')
    (found,) = runtime.InferenceSession(tmp_path / 'x.onnx').run(None, {INPUT: crops})
    assert found.argmax(1).tolist() == [0, 2]
