"""The bytes of a photograph out of a request."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from .limits import Limits, Refusal

#: Bytes of form fields and boundaries around an image.
ENVELOPE = 10_000
#: A sender that is cut off reads no reason: up to so many times the limit is received, and thrown away.
HEARD = 4


class MemoryParser(MultiPartParser):
    """Keeps what was sent in memory: nothing is written to the disk."""

    spool_max_size = 0  # never spools


async def read_image(request: Request, limits: Limits) -> bytes:
    """Read the image file that a request holds, as its body or as a form's only file.

    Raises:
        Refusal: If it is too large, too slow, empty, or sent in another way.
    """
    kind = request.headers.get('content-type', '').partition(';')[0].strip().lower()
    form = kind == 'multipart/form-data'
    if not form and kind != 'application/octet-stream' and not kind.startswith('image/'):
        raise Refusal(
            415,
            f'{kind or "no content type"}: send the bytes of an image as image/jpeg (or another image type), '
            'or a form (multipart/form-data) with one file',
        )
    try:
        body = await asyncio.wait_for(_read_body(request, limits, ENVELOPE if form else 0), limits.seconds)
    except asyncio.TimeoutError:
        raise Refusal(408, f'the image did not arrive within {limits.seconds:g} s') from None
    data = await _file_of_form(request, body) if form else body
    if not data:
        raise Refusal(400, 'the image is empty: send the bytes of an image file')
    return data


async def _read_body(request: Request, limits: Limits, more: int) -> bytes:
    most = limits.bytes + more
    size, body = int(request.headers.get('content-length', 0)), bytearray()
    if size <= HEARD * most:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most:
                body += chunk
            elif size > HEARD * most:
                break
    if size > most:
        raise Refusal(413, f'more than {limits.megabytes:g} MB: send a smaller image')
    return bytes(body)


async def _file_of_form(request: Request, body: bytes) -> bytes:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MemoryParser(request.headers, chunks(), max_files=1, max_fields=0).parse()
    except MultiPartException as error:
        raise Refusal(400, f'not a form with one file: {error.message}') from None
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if not files:
        raise Refusal(400, 'the form holds no file: send the image as its only field')
    return await files[0].read()
