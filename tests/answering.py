"""A server in a thread, whose predictor needs no network: it looks at colours."""

import threading
import time
from contextlib import contextmanager

import numpy as np
import uvicorn

from dacl_mm.errors import UserError
from dacl_mm.inference import Face, ModelInfo, Prediction
from dacl_mm.serving.app import create_app
from dacl_mm.serving.limits import Limits
from dacl_mm.serving.server import configure, listen, url

CLASSES = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger')
INFO = ModelInfo('colours', CLASSES, (48, 48), unsure=0.3)


class Gate(threading.Event):
    """Holds the predictor at an image until it is set."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout=None):
        self.reached.set()
        return super().wait(timeout)


class Colours:
    """Finds one face in the middle of each image that is not black; the more red, the happier.

    Args:
        gate: Waited for at each image, where given.
        whole: The face is the whole image.
    """

    info = INFO

    def __init__(self, gate: Gate | None = None, whole: bool = False):
        self.gate, self.whole, self.seen = gate, whole, 0

    def __call__(self, image, time=None, track=None, before=None) -> Prediction:
        self.seen += 1
        if self.gate is not None:
            self.gate.wait(30)
        height, width = image.shape[:2]
        if min(height, width) < 4:
            raise UserError('expected at least 4 pixels a side')
        happy = float(np.clip(image[..., 0].mean() / 255, 0.01, 0.99))
        probabilities = {name: (1 - happy) / 6 for name in CLASSES} | {'happiness': happy}
        smoothed = None
        if track is not None:
            smoothed = {
                name: (value + (before or probabilities)[name]) / 2 for name, value in probabilities.items()
            }
        best, confidence = max((smoothed or probabilities).items(), key=lambda item: item[1])
        box = (0, 0, width, height) if self.whole else (width / 8, height / 8, width / 2, height * 3 / 4)
        points = tuple(
            (width * x, height * y) for x, y in ((0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.42, 0.7), (0.58, 0.7))
        )
        face = Face(
            'x', 0, time, 0, track, *box, points, best if confidence >= INFO.unsure else 'unsure',
            confidence, probabilities, smoothed,
        )  # fmt: skip
        return Prediction('x', 0, time, (width, height), (face,) if image.any() else ())

    def stream(self, source='stream', smooth=0.3):
        last = {}

        def following(image, time):
            found = self(image, time, track=0, before=last if smooth else None)
            last.update(found.faces[0].smoothed if found.faces else {})
            return found

        return following


@contextmanager
def running(limits: Limits | None = None, gate=None, names=(), proxies=()):
    """Serve on a free port; yields the address."""
    limits = limits or Limits(rate=1e6)
    app = create_app(dict(detect=Colours(gate), crop=Colours(gate, whole=True)), limits, names)
    listening = listen('127.0.0.1', 0)
    server = uvicorn.Server(configure(app, limits, proxies))
    thread = threading.Thread(target=server.run, kwargs=dict(sockets=[listening]), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield url(listening)
    finally:
        server.should_exit = True
        if gate is not None:
            gate.set()
        thread.join(30)
        assert not thread.is_alive()
