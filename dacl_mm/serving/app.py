"""The application: everything that answers, put together."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from dacl_mm import __version__
from dacl_mm.inference import Predictor

from . import routes, stream
from .engine import Engine, Faces
from .guard import Guard
from .limits import Limits, Refusal
from .metrics import CountRequests, Metrics

#: Refused while more may be coming, which uvicorn would go on to receive.
UNREAD = (408, 413)


def create_app(
    predictors: Mapping[Faces, Predictor], limits: Limits | None = None, names: Iterable[str] = ()
) -> ASGIApp:
    """Build the application.

    Args:
        predictors: One for each way to take an image.
        limits: What is answered at most; default: those of the class.
        names: Host names of this server beside localhost.
    """
    metrics = Metrics()
    engine = Engine(predictors, limits or Limits(), metrics)
    metrics.info.info(dict(version=__version__, model=engine.info.name))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(engine.worker.close)

    app = FastAPI(
        title='Facial expressions',
        summary='Names the expressions of the faces in photographs and webcam frames; keeps none.',
        version=__version__,
        docs_url=None,  # FastAPI's own pages load scripts of another server
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.engine = engine
    app.include_router(routes.router)
    app.include_router(stream.router)
    app.mount('/static', StaticFiles(directory=routes.STATIC))
    for kind in (Refusal, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _explain)
    # Around everything: the answer to a fault inside is counted and guarded too.
    return CountRequests(Guard(app, names), metrics)


async def _explain(request: Request, error: Exception) -> JSONResponse:
    """Answer every fault in one form."""
    status, reason, headers = 500, 'a fault of the server, which its log shows', {}
    if isinstance(error, Refusal):
        status, reason = error.status, error.reason
        if status in UNREAD:
            headers['Connection'] = 'close'
        if error.retry is not None:
            headers['Retry-After'] = str(math.ceil(error.retry))
    elif isinstance(error, HTTPException):
        status, reason = error.status_code, str(error.detail)
        headers = dict(error.headers or {})
    elif isinstance(error, RequestValidationError):
        status = 422
        reason = '; '.join(f'{fault["loc"][-1]}: {fault["msg"]}' for fault in error.errors())
    return JSONResponse({'error': reason}, status, headers)
