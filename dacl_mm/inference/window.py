"""Predictions in a window."""

import os
import sys

import cv2

from dacl_mm.errors import UserError

from .draw import annotate
from .results import Prediction

NAME = 'dacl-mm predict (q ends)'
QUIT = (ord('q'), 27)  # 27: Esc


class Window:
    """Shows annotated images until a key is pressed, and frames of videos as they come.

    Raises:
        UserError: If there is no screen.
    """

    def __init__(self) -> None:
        has_screen = any(os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY'))
        if sys.platform.startswith('linux') and not has_screen:  # Qt would abort the process
            raise UserError(
                '--show needs a screen, and this session has none: write pictures with --draw DIR'
            )
        try:
            cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise UserError(
                '--show needs an OpenCV with windows (pip install opencv-python, without -headless): '
                'or write pictures with --draw DIR'
            ) from error

    def __call__(self, prediction: Prediction) -> bool:
        """Show a prediction; returns whether to go on."""
        if prediction.image is None:
            return True
        cv2.imshow(NAME, cv2.cvtColor(annotate(prediction.image, prediction.faces), cv2.COLOR_RGB2BGR))
        moving = prediction.time is not None
        return cv2.waitKey(1 if moving else 0) & 0xFF not in QUIT
