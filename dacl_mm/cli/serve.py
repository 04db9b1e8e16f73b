"""A page and an API for photographs and webcams, on this machine.

python tools/serve.py
python tools/serve.py --model work_dirs/run/best.pth --port 9000

Nothing that is sent is stored. Only this machine is answered, unless --host says otherwise (docs/serve.md).
"""

import argparse
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from ipaddress import ip_address

from dacl_mm.errors import UserError
from dacl_mm.inference import Predictor, load_classifier
from dacl_mm.serving.limits import Limits

from .predictor_options import add_predictor

NEEDED = ('fastapi', 'uvicorn', 'websockets', 'prometheus_client', 'python_multipart')
LIMITS = {
    'megabytes': '10^6 bytes of an image file or frame',
    'megapixels': '10^6 pixels of an image',
    'rate': 'photographs and new streams a second from one address',
    'waiting': 'photographs that wait for the model',
    'streams': 'webcam streams at a time',
    'fps': 'frames a second of a stream',
    'seconds': 'seconds for a photograph to arrive, and to be answered',
    'idle': 'seconds without a frame until a stream is closed',
    'connections': 'open connections',
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_predictor(parser)
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (default: %(default)s)')
    parser.add_argument('--port', type=int, default=8000, help='0 takes a free one (default: %(default)s)')
    parser.add_argument(
        '--allow-host', nargs='+', default=[], metavar='NAME', help='host names of this server'
    )
    parser.add_argument(
        '--proxy',
        nargs='+',
        default=[],
        metavar='ADDRESS',
        help='reverse proxies, whose X-Forwarded-For counts',
    )
    limits = parser.add_argument_group('limits')
    for field in fields(Limits):
        kind: Callable[[str], float] = positive_integer if field.type is int else positive
        flag, text = f'--{field.name}', f'{LIMITS[field.name]} (default: {field.default:g})'
        limits.add_argument(flag, type=kind, default=field.default, metavar='N', help=text)
    return parser.parse_args()


def positive(text: str) -> float:
    """Parse a finite number above 0."""
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is not a number above 0')
    return value


def positive_integer(text: str) -> int:
    """Parse a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not a whole number above 0')
    return value


def main() -> None:
    args = parse_args()
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"the server needs {', '.join(missing)}: pip install 'dacl-mm[serve]'")
    from dacl_mm.serving import app, server  # they import what has just been found

    limits = Limits(**{field.name: getattr(args, field.name) for field in fields(Limits)})
    listening = server.listen(args.host, args.port)
    classifier = load_classifier(args.model, args.config, args.device)
    options = dict(detector=args.detector, min_face=args.min_face, unsure=args.unsure)
    whole = Predictor(classifier, faces='crop', **options)
    found = whole if args.detector == 'none' else Predictor(classifier, faces='detect', **options)
    application = app.create_app(dict(detect=found, crop=whole), limits, [*args.allow_host, args.host])
    print(f'{classifier.info.name} answers at {server.url(listening)} (Ctrl-C stops it)', flush=True)
    if not ip_address(listening.getsockname()[0]).is_loopback:
        print(
            'Whoever reaches this address may use it, without password or encryption: see docs/serve.md',
            flush=True,
        )
    server.run(server.configure(application, limits, args.proxy), listening)
