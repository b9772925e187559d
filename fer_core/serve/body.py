"""Picture in a request's body, read into memory under a limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from .problem import Problem


async def read_picture(request: Request, max_bytes: int) -> tuple[str, bytes]:
    """Return the name and the bytes of the picture: the only file of a form, or the body itself.

    Raises:
        Problem: The body is larger than `max_bytes` bytes (413), or the form is damaged or does not contain
            exactly one file (400).
    """
    form = request.headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data"
    if not form:
        content = b"".join([part async for part in _bounded(request, max_bytes)])
        if not content:
            raise Problem(
                400, "The request has no body: expected the bytes of a picture, or a form with a file."
            )
        return "the picture", content
    parser = MultiPartParser(request.headers, _bounded(request, max_bytes), max_files=2, max_fields=8)
    parser.spool_max_size = max_bytes + 1  # larger files would be written to disk; there are none
    try:
        fields = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Problem(400, f"The form cannot be read: {str(error).rstrip('.') or 'it is damaged'}.") from None
    try:
        files = [value for value in fields.values() if isinstance(value, UploadFile)]
        if len(files) != 1:
            raise Problem(400, f"Expected a form with one file, the picture; got {len(files)}.")
        return files[0].filename or "the picture", await files[0].read()
    finally:
        await fields.close()


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of the body; the length in its header is not trusted."""
    too_large = Problem(413, f"The request is larger than {max_bytes / 2**20:g} MB: send a smaller picture.")
    if (said := request.headers.get("content-length", "")).isdigit() and int(said) > max_bytes:
        raise too_large
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen > max_bytes:
            raise too_large
        yield part
