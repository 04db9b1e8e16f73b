"""The embedded faces are neither linear nor trivial."""

import json

import numpy as np
import pytest
from conftest import REPO, run_tool
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.datasets.synthetic.synthetic_faces import SyntheticFaces


def pixels(split: str, count: int) -> tuple[np.ndarray, list[int]]:
    records = SyntheticFaces(num_images=count, split=split).load_data_list()
    images = [draw_face(r['expression'], r['face_seed'], 32).ravel() for r in records]
    return np.stack(images).astype(np.float32), [r['gt_label'] for r in records]


@pytest.mark.slow
def test_network_beats_a_linear_classifier_and_needs_more_than_one_epoch(tmp_path):
    train, test = pixels('train', 4200), pixels('val', 700)
    scale = StandardScaler().fit(train[0])
    # The best of several penalties, picked on the very images it is scored on.
    linear = max(
        RidgeClassifier(alpha=alpha)
        .fit(scale.transform(train[0]), train[1])
        .score(scale.transform(test[0]), test[1])
        for alpha in (1e2, 1e3, 1e4, 1e5)
    )
    config = REPO / 'configs' / 'softmax_r18_synthetic.py'
    run_tool('train', config, '--work-dir', tmp_path)
    rows = map(json.loads, next(tmp_path.rglob('vis_data/scalars.json')).open())
    accuracy = [row['accuracy/top1'] for row in rows if 'accuracy/top1' in row]
    assert accuracy[0] < 80
    assert accuracy[-1] > 100 * linear + 10
