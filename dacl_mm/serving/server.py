"""The process that listens."""

import signal
import socket
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

from dacl_mm.errors import UserError

from .limits import Limits


def listen(host: str, port: int) -> socket.socket:
    """Open the port.

    Args:
        host: Address or name of this machine's interface.
        port: 0 takes a free one.

    Raises:
        UserError: If that is not possible.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise UserError(
            f'cannot listen on {host}, port {port}: {error}; choose another --host or --port'
        ) from error


def url(listening: socket.socket) -> str:
    """Return the page's address."""
    host, port = listening.getsockname()[:2]
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


def configure(app: ASGIApp, limits: Limits, proxies: Sequence[str] = ()) -> uvicorn.Config:
    """Return how connections are treated.

    Args:
        app: The application.
        limits: Of frames, connections and waiting.
        proxies: Addresses of reverse proxies whose word about a sender's address is taken.
    """
    return uvicorn.Config(
        app,
        lifespan='on',
        log_config=None,
        log_level='warning',
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=max(1, round(limits.seconds)),
        ws_max_size=limits.bytes,
        ws_per_message_deflate=False,  # frames are compressed; a small message could become a huge one
    )


def run(config: uvicorn.Config, listening: socket.socket) -> None:
    """Answer until SIGTERM or Ctrl-C; what is being answered then is finished."""
    # uvicorn raises a signal again once it has stopped: it has been answered then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])
