"""What every request must be, and what every answer says to the browser."""

from collections.abc import Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        'media-src blob:',
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
}
PORTS = {'http': 80, 'https': 443}


class Guard:
    """Lets in what asks for this server by a name of it, and no page of another site.

    A page elsewhere could otherwise send a visitor's browser here: by a name of its own that resolves to
    this address (DNS rebinding), by a form, or by a WebSocket, which no browser keeps to one site.

    Args:
        app: What is guarded.
        names: Names of this server beside localhost and plain addresses, which nobody can point elsewhere.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()):
        self.app = app
        self.names = {'localhost', *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] not in ('http', 'websocket'):
            await self.app(scope, receive, send)
            return

        async def say(message: Message) -> None:
            if message['type'] == 'http.response.start':
                complete(message)
            await send(message)

        reason = self.fault(Headers(scope=scope))
        if reason is None:
            await self.app(scope, receive, say)
        elif scope['type'] == 'http':
            await JSONResponse({'error': reason}, 403)(scope, receive, say)
        else:
            await send({'type': 'websocket.close', 'code': 1008, 'reason': reason})

    def fault(self, headers: Headers) -> str | None:
        """Return what is wrong with where a request wants to go or comes from."""
        host, origin = headers.get('host', ''), headers.get('origin')
        name = split(f'//{host}')[0]
        if name not in self.names and not is_address(name):
            return f'this server is not known as {name!r}: start it with --allow-host, or use its address'
        if origin is not None and not same(origin, host):
            return 'a page of another site may not use this server'
        return None


def same(origin: str, host: str) -> bool:
    """Return whether a page's origin is the host that is asked.

    Not by its scheme: a proxy may have taken the encryption off.
    """
    scheme = origin.partition('://')[0]
    return scheme in PORTS and split(origin) == split(f'{scheme}://{host}')


def split(url: str) -> tuple[str, int | None]:
    """Return the name and the port of a URL; ('', None) if it has none, or is none."""
    try:
        parts = urlsplit(url)
        return parts.hostname or '', parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return '', None


def is_address(name: str) -> bool:
    """Return whether a host is an address rather than a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def complete(message: MutableMapping[str, Any]) -> None:
    """Add what keeps a browser from doing more with an answer than it is for."""
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault('Cache-Control', 'no-store')
