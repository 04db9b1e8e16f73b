"""What is answered at which path."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from dacl_mm import __version__

from .answers import Answer, Fault, Health
from .engine import Engine, Faces
from .upload import read_image

STATIC = Path(__file__).with_name('static')
FILE: dict[str, Any] = {'type': 'string', 'format': 'binary'}
BODY: dict[str, Any] = {
    'requestBody': {
        'required': True,
        'description': 'An image file: JPEG, PNG, WebP, GIF, BMP, TIFF or PPM.',
        'content': {
            'image/*': {'schema': FILE},
            'application/octet-stream': {'schema': FILE},
            'multipart/form-data': {'schema': {'type': 'object', 'properties': {'image': FILE}}},
        },
    }
}
FAULTS: dict[int | str, dict[str, Any]] = {
    status: {'model': Fault, 'description': text}
    for status, text in {
        400: 'Empty, damaged, or not one file.',
        403: 'The request comes from a page of another site, or names another server.',
        408: 'The image took too long to arrive.',
        413: 'Too many bytes or pixels.',
        415: 'Not an image.',
        422: 'A parameter that does not exist or cannot be.',
        429: 'Too many requests from one address; Retry-After says when to come again.',
        503: 'Busy; Retry-After says when to come again.',
    }.items()
}
router = APIRouter()


@router.post('/predict', responses=FAULTS, openapi_extra=BODY)
async def predict(
    request: Request,
    faces: Annotated[Faces, Query(description="'crop' takes the whole image for a face.")] = 'detect',
) -> Answer:
    """Find the faces of a photograph and name their expressions. Nothing of it is kept."""
    engine: Engine = request.app.state.engine
    engine.admit(request.client.host if request.client else '')
    return await engine.photo(await read_image(request, engine.limits), faces)


@router.get('/healthz', responses={503: {'model': Health, 'description': 'One image takes too long.'}})
async def health(request: Request, response: Response) -> Health:
    """Say whether photographs are answered."""
    engine: Engine = request.app.state.engine
    stuck, info = engine.worker.stuck, engine.info
    response.status_code = 503 if stuck else 200
    status = 'stuck' if stuck else 'ok'
    return Health(status=status, model=info.name, classes=list(info.classes), version=__version__)


@router.get('/metrics', response_class=Response)
async def metrics(request: Request) -> Response:
    """Counters in the text format of Prometheus."""
    registry = request.app.state.engine.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@router.get('/', include_in_schema=False)
async def page() -> FileResponse:
    """Send the page."""
    return FileResponse(STATIC / 'index.html')


@router.get('/docs', include_in_schema=False)
async def docs() -> FileResponse:
    """Send the page that describes the API."""
    return FileResponse(STATIC / 'docs.html')
