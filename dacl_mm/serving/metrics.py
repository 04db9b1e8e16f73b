"""What is counted, for Prometheus; nothing of it tells about a person or an image."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
ROUTES = ('/', '/predict', '/stream', '/healthz', '/docs', '/openapi.json', '/metrics')


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self.info = Info('fer_server', 'What answers', registry=own)
        self.requests = Counter(
            'fer_requests', 'Requests that were answered', ['route', 'status'], registry=own
        )
        self.seconds = Histogram(
            'fer_request_seconds', 'From a request to its answer', ['route'], registry=own, buckets=SECONDS
        )
        self.model = Histogram(
            'fer_image_seconds',
            'Decoding, detecting and classifying one image',
            registry=own,
            buckets=SECONDS,
        )
        self.faces = Counter('fer_faces', 'Faces found', registry=own)
        self.streams = Gauge('fer_streams', 'Open webcam streams', registry=own)
        self.frames = Counter(
            'fer_frames', 'Frames of streams: answered, dropped or refused', ['what'], registry=own
        )


class CountRequests:
    """Counts what passes, and how long it took.

    Args:
        app: What answers.
        metrics: Where it is counted.
        clock: Seconds.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        route = label(scope['path'])

        async def note(message: Message) -> None:
            if message['type'] == 'http.response.start':
                self.metrics.requests.labels(route, message['status']).inc()
            await send(message)

        with self.metrics.seconds.labels(route).time():
            await self.app(scope, receive, note)


def label(path: str) -> str:
    """Return a path's name in the counters: what anybody may make up is one name."""
    if path.startswith('/static/'):
        return '/static'
    return path if path in ROUTES else 'other'
