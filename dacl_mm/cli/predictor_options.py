"""Options of the commands that predict."""

import argparse

from dacl_mm.inference.models import SHIPPED


def add_predictor(parser: argparse.ArgumentParser) -> None:
    """Add the options of :class:`~dacl_mm.inference.Predictor` that a person chooses."""
    parser.add_argument(
        '--model',
        default=SHIPPED,
        help=f'name of a model that comes with the package (default: {SHIPPED}), checkpoint of a training, '
        'or folder of an ONNX bundle',
    )
    parser.add_argument('--config', help='config of a checkpoint that holds none')
    parser.add_argument(
        '--detector',
        default='retinaface',
        help='retinaface, mtcnn, yunet:FILE, or none, for images that are faces (default: retinaface); '
        'retinaface:320 or mtcnn:320 look once, at images of at most 320 px',
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 ... (default: a GPU where there is one)')
    parser.add_argument(
        '--min-face', type=float, default=0, metavar='PX', help='leave smaller faces out (default: 0)'
    )
    parser.add_argument(
        '--unsure',
        type=float,
        metavar='P',
        help="'unsure' where the confidence is below P, from 0 to 1 (default: the model's own threshold)",
    )
