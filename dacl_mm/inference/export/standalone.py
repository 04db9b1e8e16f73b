"""Name the expressions of faces; needs numpy, opencv-python and onnxruntime alone.

python predict.py IMAGE ... [--model model_int8.onnx] [--faces crop]

Prints one CSV row a face. ``Network`` and ``Detector`` serve other programs as well.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
MODELS = tuple(f'model_{precision}.onnx' for precision in ('float32', 'float16', 'int8'))
MARGIN = 1.2  # side of the square around a box without framing, in longer sides of the box
ONE = 2**22  # Pillow's weights are whole numbers that sum up to it
SMALLEST, LARGEST = 192, 640  # px of an image's longer side, as the detector sees it
MEAN_BGR, STRIDE = (104, 117, 127), 32  # of the detector
ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # stride -> sides, in pixels
FOUND, SAME = 0.5, 0.4  # least score of a face, and overlap of two boxes of one face
CENTER, SIDE = 0.1, 0.2  # variances of the box regression


def open_session(file: str | Path, threads: int = 0) -> Any:
    """Open a model on the CPU; 0 threads let the runtime choose."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(file, options, providers=['CPUExecutionProvider'])


def find_model(folder: Path) -> Path | None:
    """Return the most exact model of a folder, or None."""
    return next((folder / name for name in MODELS if (folder / name).is_file()), None)


class Network:
    """Names the expression of crops.

    Args:
        file: A model of this folder.
        threads: That compute; 0 lets the runtime choose.
    """

    def __init__(self, file: str | Path, threads: int = 0) -> None:
        self.session = open_session(file, threads)
        self.stored: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        self.info: dict[str, Any] = json.loads(self.stored['inference'])
        self.steps: list[dict[str, Any]] = json.loads(self.stored['preprocessing'])

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return calibrated class probabilities, float32, (N, K).

        Args:
            crops: RGB, uint8, (H, W, 3) of any sizes.
        """
        if not len(crops):
            return np.zeros((0, len(self.info['classes'])), np.float32)
        return self.run(np.stack([prepare(crop, self.steps) for crop in crops]))

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return the same of crops that have the input's size: RGB, uint8, (N, H, W, 3)."""
        found: np.ndarray = self.session.run(None, {'crops': inputs})[0]
        return found


def prepare(crop: np.ndarray, steps: Sequence[dict[str, Any]]) -> np.ndarray:
    """Bring a crop to the network's input size as its test images were."""
    for step in steps:
        ((kind, value),) = step.items()
        height, width = crop.shape[:2]
        if kind == 'grey':
            crop = np.repeat(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        elif kind == 'resize':
            crop = resize(crop, *value)
        elif kind == 'resize_short':
            upright = width < height
            longer = int(value * height / width) if upright else int(value * width / height)
            crop = resize(crop, *((value, longer) if upright else (longer, value)))
        elif kind == 'center_crop':
            left, top = (max(0, round((a - b) / 2)) for a, b in zip((width, height), value))
            crop = crop[top : top + value[1], left : left + value[0]]
        else:
            raise ValueError(f'the model wants its input {kind}, which this version cannot do')
    return crop


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize bytes as Pillow does by 'bilinear', bit by bit: smoothed where they shrink, unlike OpenCV."""
    passes = [(1, width), (0, height)]
    fewer_rows, fewer_columns = image.shape[0] - height, image.shape[1] - width
    if fewer_rows > max(0, 2 * fewer_columns):  # Pillow's order, which saves it work
        passes.reverse()
    for axis, new in passes:
        old = image.shape[axis]
        if old == new:
            continue
        center, reach = (np.arange(new) + 0.5) * old / new, max(old / new, 1.0)
        weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - center[:, None]) / reach, 0)
        weights = np.floor(weights / weights.sum(1, keepdims=True) * ONE + 0.5)
        blended = np.tensordot(weights, image.astype(float), (1, axis))  # whole numbers: exact
        image = np.moveaxis(((blended + ONE / 2) // ONE).clip(0, 255).astype(np.uint8), 0, axis)
    return image


class Detector:
    """Finds faces and five landmarks: RetinaFace.

    Args:
        file: Its model.
        threads: That compute; 0 lets the runtime choose.

    Reference: Deng et al., RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild, CVPR 2020.
    """

    def __init__(self, file: str | Path, threads: int = 0) -> None:
        self.session = open_session(file, threads)

    def __call__(self, image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (box, landmarks) of each face of an RGB image, from the left to the right.

        A box is left, top, width and height, landmarks are (5, 2), both in pixels of the image.
        """
        inputs, factor = fit(image)
        height, width = inputs.shape[:2]
        feed = {'input': inputs.transpose(2, 0, 1)[None]}
        found = self.session.run(['loc', 'conf', 'landmarks'], feed)
        places, scores, points = found[0][0], found[1][0][:, 1], found[2][0]
        kept = np.flatnonzero(scores > FOUND)
        anchors, scores = anchors_of(width, height)[kept], scores[kept]
        middle = anchors[:, :2] + CENTER * places[kept, :2] * anchors[:, 2:]
        sides = anchors[:, 2:] * np.exp(SIDE * places[kept, 2:])
        boxes = np.hstack([middle - sides / 2, sides])
        marks = anchors[:, None, :2] + CENTER * points[kept].reshape(-1, 5, 2) * anchors[:, None, 2:]
        best = np.ravel(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), FOUND, SAME)).astype(int)
        faces = [(boxes[i] * np.tile(factor, 2), marks[i] * factor) for i in best]
        return sorted(faces, key=lambda face: float(face[0][0]))


def fit(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an image as the detector takes it, float32, and its pixels' size (x, y) in the given one's."""
    height, width = image.shape[:2]
    longer = max(height, width)
    scale = min(max(longer, SMALLEST), LARGEST) / longer
    new = max(round(width * scale), 1), max(round(height * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = image if scale == 1 else cv2.resize(image, new, interpolation=how)
    columns, rows = (-(-side // STRIDE) * STRIDE for side in new)
    inputs = np.zeros((rows, columns, 3), np.float32)  # what is added has the mean's grey level
    inputs[: new[1], : new[0]] = scaled[..., ::-1] - np.array(MEAN_BGR, np.float32)
    return inputs, np.array([width / new[0], height / new[1]])


def anchors_of(width: int, height: int) -> np.ndarray:
    """Return middle and sides (x, y, w, h) of the detector's anchors, in pixels, (A, 4)."""
    found = []
    for stride, sides in ANCHORS.items():
        y, x = np.mgrid[: height // stride, : width // stride] + 0.5
        middle = np.stack([x, y], -1)[:, :, None] * stride  # (rows, columns, 1, 2)
        square = np.repeat(np.array(sides, float)[:, None], 2, 1)  # (2, 2)
        shape = (*middle.shape[:2], *square.shape)
        both = np.broadcast_to(middle, shape), np.broadcast_to(square, shape)
        found.append(np.concatenate(both, -1).reshape(-1, 4))
    return np.concatenate(found)


def cut(
    image: np.ndarray, box: np.ndarray, landmarks: np.ndarray, framing: dict[str, Any] | None
) -> np.ndarray:
    """Return a face as the training images are framed; without framing the square around its box."""
    if framing is None:
        side = max(round(MARGIN * max(box[2], box[3])), 1)
        shift = (side - 1) / 2 - (box[:2] + box[2:] / 2 - 0.5)
        moved = np.hstack([np.eye(2), shift[:, None]])
        return cv2.warpAffine(image, moved, (side, side), borderMode=cv2.BORDER_REPLICATE)
    # Points as complex numbers: a z + b is the similarity transform, by least squares. A face that
    # shrinks is cut out k times as large, and averaged.
    size, half = np.array(framing['size']), 0.5 + 0.5j
    z = np.asarray(landmarks, float) @ [1, 1j] - half  # pixel 0 has its middle at 0
    w = (np.array(framing['landmarks']) * size) @ [1, 1j]
    a = np.vdot(z - z.mean(), w - w.mean()) / np.vdot(z - z.mean(), z - z.mean()).real
    k = max(1, int(np.ceil(1 / abs(a))))
    a, w = a * k, w * k - half
    b = w.mean() - a * z.mean()
    moved = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    how: dict[str, Any] = dict(flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    large = cv2.warpAffine(image, moved, tuple((size * k).tolist()), **how)
    crop: np.ndarray = cv2.resize(large, tuple(size.tolist()), interpolation=cv2.INTER_AREA)
    return crop


def rows(source: str, network: Network, detector: Detector | None) -> Iterator[list[Any]]:
    """Yield what is printed of an image: one row a face."""
    image = cv2.imread(source, cv2.IMREAD_COLOR)  # upright, three channels, 8 bits
    if image is None:
        raise SystemExit(f'error: {source} cannot be read as an image')
    image = np.ascontiguousarray(image[..., ::-1])
    height, width = image.shape[:2]
    classes, unsure = network.info['classes'], network.info['unsure']
    boxes, crops = [np.array([0, 0, width, height], float)], [image]
    if detector:
        faces = detector(image)
        boxes = [box for box, _ in faces]
        crops = [cut(image, *face, network.info['framing']) for face in faces]
    for i, (box, found) in enumerate(zip(boxes, network(crops))):
        best = found.argmax()
        name = classes[best] if found[best] >= unsure else 'unsure'
        yield [source, i, *box.round(1), name, *(round(float(p), 4) for p in (found[best], *found))]
    if not boxes:
        yield [source, '', '', '', '', '', 'no face', *[''] * (1 + len(classes))]


def main() -> None:
    """Read the arguments, and print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument('--model', type=Path, default=find_model(HERE), help='(default: %(default)s)')
    parser.add_argument('--faces', choices=['detect', 'crop'], help='crop: an image is a face already')
    parser.add_argument('--threads', type=int, default=0, help='0: as many as the runtime likes')
    args = parser.parse_args()
    file = HERE / 'detector.onnx'
    if not file.is_file() and args.faces != 'crop':
        parser.error('there is no detector.onnx here: cut the faces out, and say --faces crop')
    network = Network(args.model, args.threads)
    detector = None if args.faces == 'crop' else Detector(file, args.threads)
    out = csv.writer(sys.stdout)
    names = ['source', 'face', 'x', 'y', 'width', 'height', 'expression', 'confidence']
    out.writerow([*names, *network.info['classes']])
    for source in args.images:
        out.writerows(rows(source, network, detector))


if __name__ == '__main__':
    main()
