"""Photographs that this package's dependencies ship."""

import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image


def portrait() -> np.ndarray:
    """Return matplotlib's portrait of Grace Hopper (U.S. Navy, public domain), RGB, (600, 512, 3)."""
    with get_sample_data('grace_hopper.jpg') as file, Image.open(file) as image:
        return np.asarray(image.convert('RGB'))


#: Read off the picture: eyes, nose, corners of the mouth.
LANDMARKS = np.array([(221, 191), (306, 188), (263, 245), (232, 276), (304, 274)])
