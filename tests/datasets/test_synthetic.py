import hashlib

import numpy as np
import pytest

from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.datasets.synthetic.synthetic_faces import SyntheticFaces


def test_drawing_is_deterministic():
    for name in EXPRESSIONS:
        assert np.array_equal(draw_face(name, 3, 48), draw_face(name, 3, 48))
        assert not np.array_equal(draw_face(name, 3, 48), draw_face(name, 4, 48))
    assert draw_face('fear', 0, 64).shape == (64, 64, 3)


def test_expression_changes_the_drawing_of_one_identity():
    pictures = {hashlib.md5(draw_face(name, 5)).hexdigest() for name in EXPRESSIONS}
    assert len(pictures) == len(EXPRESSIONS)


def test_splits_share_no_image_and_classes_are_balanced():
    seeds = {}
    for split in ('train', 'val', 'test'):
        data = SyntheticFaces(num_images=70, split=split)
        seeds[split] = {data.get_data_info(i)['face_seed'] for i in range(70)}
        assert np.bincount(data.get_gt_labels()).tolist() == [10] * 7
    assert len(set.union(*seeds.values())) == 210


@pytest.mark.parametrize(
    ('args', 'message'), [(('joy', 0), 'unknown expression'), (('fear', 0, 8), '16 pixels')]
)
def test_bad_arguments(args, message):
    with pytest.raises(ValueError, match=message):
        draw_face(*args)
