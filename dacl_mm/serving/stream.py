"""Webcam streams: one frame of each is being answered, the newest one waits, older ones are dropped."""

import asyncio
import time
from typing import Annotated, NamedTuple

import anyio
from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from .answers import FrameAnswer, FrameFault
from .engine import Engine, Faces
from .latest import Latest
from .limits import Refusal

UNSUPPORTED, TRY_LATER, GOING_AWAY = 1003, 1013, 1001  # RFC 6455 and its registry of close codes
router = APIRouter()


class Frame(NamedTuple):
    """A frame that has arrived."""

    number: int
    data: bytes
    seconds: float  # since the stream began


@router.websocket('/stream')
async def stream(
    socket: WebSocket,
    faces: Faces = 'detect',
    smooth: Annotated[float, Query(ge=0, le=10)] = 0.3,
) -> None:
    """Answer the image files that arrive, with faces followed and probabilities smoothed.

    Args:
        socket: Binary messages come, JSON texts go: :class:`FrameAnswer` or :class:`FrameFault`.
        faces: Whether to look for faces, or to take the image for one.
        smooth: Time constant in seconds; 0 smooths nothing.
    """
    engine: Engine = socket.app.state.engine
    await socket.accept()  # a browser hears of no reason before
    try:
        engine.admit(socket.client.host if socket.client else '')
        with engine.place_for_stream():
            await _Stream(socket, engine, faces, smooth).run()
    except Refusal as refusal:
        await socket.close(TRY_LATER, refusal.reason)
    except WebSocketDisconnect:
        pass


class _Stream:
    def __init__(self, socket: WebSocket, engine: Engine, faces: Faces, smooth: float):
        self.socket, self.engine, self.count = socket, engine, engine.metrics.frames
        self.predict = engine.follow(faces, smooth)
        self.latest: Latest[Frame] = Latest()

    async def run(self) -> None:
        """Receive and answer at the same time, until the sender goes."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._answer_all)
            await self._receive_all()
            group.cancel_scope.cancel()

    async def _receive_all(self) -> None:
        start, number, idle = time.monotonic(), 0, self.engine.limits.idle
        while True:
            try:
                message = await asyncio.wait_for(self.socket.receive(), idle)
            except asyncio.TimeoutError:
                await self.socket.close(GOING_AWAY, f'no frame for {idle:g} s')
                return
            if message['type'] == 'websocket.disconnect':
                return
            data = message.get('bytes')
            if data is None:
                await self.socket.close(UNSUPPORTED, 'send image files as binary messages')
                return
            dropped = self.latest.put(Frame(number, data, time.monotonic() - start))
            self.count.labels('dropped').inc(dropped)
            number += 1

    async def _answer_all(self) -> None:
        pause = 1 / self.engine.limits.fps
        while True:
            frame = await self.latest.take()
            begun = time.monotonic()
            reply = await self._reply(frame)
            try:
                await self.socket.send_text(reply.model_dump_json())
            except (WebSocketDisconnect, RuntimeError):  # closed meanwhile; the receiver knows
                return
            await asyncio.sleep(max(0.0, begun + pause - time.monotonic()))

    async def _reply(self, frame: Frame) -> FrameAnswer | FrameFault:
        try:
            answer = await self.predict(frame.data, frame.seconds)
        except Refusal as refusal:
            self.count.labels('refused').inc()
            return FrameFault(error=refusal.reason, frame=frame.number, dropped=self.latest.dropped)
        self.count.labels('answered').inc()
        return FrameAnswer(**answer.model_dump(), frame=frame.number, dropped=self.latest.dropped)
