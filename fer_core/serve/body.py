"""The picture in a request's body, read into memory under a limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from .problem import Problem


async def read_picture(request: Request, most: int) -> tuple[str, bytes]:
    """The name and the bytes of the picture: the only file of a form, or the body itself.

    Raises:
        Problem: it is larger than `most` bytes (413), the form is damaged or holds no file or several (400).
    """
    form = request.headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data"
    if not form:
        content = b"".join([part async for part in _bounded(request, most)])
        if not content:
            raise Problem(
                400, "The request has no body: expected the bytes of a picture, or a form with a file."
            )
        return "the picture", content
    parser = MultiPartParser(request.headers, _bounded(request, most), max_files=2, max_fields=8)
    parser.spool_max_size = most + 1  # larger files would go to disk; there are none
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


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body part by part; what a client says of its length is not believed."""
    too_large = Problem(413, f"The request is larger than {most / 2**20:g} MB: send a smaller picture.")
    if (said := request.headers.get("content-length", "")).isdigit() and int(said) > most:
        raise too_large
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen > most:
            raise too_large
        yield part
