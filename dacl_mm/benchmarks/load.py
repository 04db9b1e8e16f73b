"""Cameras and photographs for a server of this machine, as many as are asked for, for so many seconds."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dacl_mm.errors import UserError

MOST_CLIENTS, MOST_SECONDS = 64, 600
TIMEOUT = 30  # seconds for one answer


@dataclass
class Load:
    """What clients saw.

    Attributes:
        seconds: How long they asked.
        latencies: Seconds from sending to the answer, of each answer.
        sent: Frames or photographs.
        faults: Answers that say why there is none.
    """

    seconds: float
    latencies: list[float] = field(default_factory=list)
    sent: int = 0
    faults: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Return a latency that so many percent of the answers stay below, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def cameras(
    address: str,
    frames: Sequence[bytes],
    clients: int,
    seconds: float,
    fps: float | None = None,
    query: str = '',
) -> Load:
    """Send frames by WebSockets.

    Args:
        address: The server's, on this machine.
        frames: Image files, sent in turn.
        clients: Cameras at a time.
        seconds: How long.
        fps: Frames a second of each camera, whatever the server does; None sends the next after an answer.
        query: Parameters of the stream.
    """
    load = _bounded(address, clients, seconds)
    url = f'{address.replace("http", "ws", 1)}/stream?{query}'

    async def all_of_them() -> None:
        await asyncio.gather(*(_camera(url, frames, load, fps) for _ in range(clients)))

    asyncio.run(all_of_them())
    return load


def photographs(address: str, images: Sequence[bytes], clients: int, seconds: float, query: str = '') -> Load:
    """Post image files, each sender the next one after an answer."""
    load = _bounded(address, clients, seconds)
    url = f'{address}/predict?{query}'

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.to_thread(_sender, url, images, load) for _ in range(clients)))

    asyncio.run(all_of_them())
    return load


def memory(address: str) -> float:
    """Return the memory of a server in bytes."""
    with urllib.request.urlopen(f'{address}/metrics', timeout=TIMEOUT) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith('process_resident_memory_bytes '))


def _bounded(address: str, clients: int, seconds: float) -> Load:
    if urlsplit(address).hostname not in ('127.0.0.1', '::1', 'localhost'):
        raise UserError(f'{address} is not on this machine: load is for your own server alone')
    if not (1 <= clients <= MOST_CLIENTS and 0 < seconds <= MOST_SECONDS):
        raise UserError(f'from 1 to {MOST_CLIENTS} clients, for at most {MOST_SECONDS} s')
    return Load(seconds)


async def _camera(url: str, frames: Sequence[bytes], load: Load, fps: float | None) -> None:
    try:
        from websockets.asyncio.client import connect
    except ImportError:
        raise UserError("the load test needs websockets: pip install 'dacl-mm[serve]'") from None
    sent: dict[int, float] = {}
    end = time.perf_counter() + load.seconds
    async with connect(url, open_timeout=TIMEOUT) as socket:

        async def send() -> None:
            number = len(sent)
            sent[number] = time.perf_counter()
            load.sent += 1
            await socket.send(frames[number % len(frames)])

        async def receive() -> None:
            answer = json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))
            if 'error' in answer:
                load.faults += 1
            else:
                load.latencies.append(time.perf_counter() - sent[answer['frame']])

        if fps is None:
            while time.perf_counter() < end:
                await send()
                await receive()
            return
        receiver = asyncio.create_task(_for_ever(receive))
        begun = time.perf_counter()
        while (now := time.perf_counter()) < end:
            await send()
            await asyncio.sleep(max(0.0, begun + len(sent) / fps - now))
        receiver.cancel()
        await asyncio.gather(receiver, return_exceptions=True)


async def _for_ever(job: Callable[[], Awaitable[None]]) -> None:
    while True:
        await job()


def _sender(url: str, images: Sequence[bytes], load: Load) -> None:
    end, number = time.perf_counter() + load.seconds, 0
    while (start := time.perf_counter()) < end:
        request = urllib.request.Request(url, images[number % len(images)], {'Content-Type': 'image/jpeg'})
        number += 1
        load.sent += 1
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                answer.read()
            load.latencies.append(time.perf_counter() - start)
        except urllib.error.HTTPError:
            load.faults += 1
