"""What the shipped network makes of photographs."""

import numpy as np
from photographs import portrait
from PIL import Image

from dacl_mm.inference import Predictor


def test_colours_do_not_matter_to_a_network_that_has_seen_none():
    """It was trained on grey faces: a photograph in colour is shown to it as grey as these."""
    face = portrait()[100:340, 140:380]
    grey = np.asarray(Image.fromarray(face).convert('L'))
    predict = Predictor(faces='crop')
    in_colour, in_grey = (predict(image).faces[0].probabilities for image in (face, grey))
    assert predict.info.name == 'fer_r18h' and predict.info.framing is not None
    np.testing.assert_allclose(list(in_colour.values()), list(in_grey.values()), atol=0.01)
