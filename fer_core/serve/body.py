"""Files in a request's body, read into memory under a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from .admission import BodyMemory
from .limits import Limits
from .problem import Problem

_NAME_LENGTH = 200


async def read_files(request: Request, limits: Limits, memory: BodyMemory) -> list[tuple[str, bytes]]:
    """Return the names and the bytes of the files of a form, or of the body itself; at least one.

    Args:
        request: The request.
        limits: Bytes and files of a request, and seconds within which it has to come.
        memory: Counts the bytes of all bodies.

    Raises:
        Problem: The body is too large (413), the form is damaged or contains no file or too many (400), it
            takes too long (408), or there are too many of other requests (503).
    """
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request, limits, memory)
    except TimeoutError:
        raise Problem(
            408,
            f"The body did not come within {limits.body_seconds:g} s: send a smaller file.",
            {"Connection": "close"},
        ) from None


async def _read(request: Request, limits: Limits, memory: BodyMemory) -> list[tuple[str, bytes]]:
    max_bytes = limits.bytes
    form = request.headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data"
    if not form:
        content = b"".join([part async for part in _bounded(request, max_bytes, memory)])
        if not content:
            raise Problem(
                400, "The request has no body: expected the bytes of a picture, or a form with a file."
            )
        return [("the picture", content)]
    parser = MultiPartParser(
        request.headers, _bounded(request, max_bytes, memory), max_files=limits.files, max_fields=8
    )
    parser.spool_max_size = max_bytes + 1  # larger files would be written to disk; there are none
    try:
        fields = await parser.parse()
    except (MultiPartException, KeyError, LookupError, UnicodeError) as error:
        raise Problem(400, f"The form cannot be read: {_reason(error)}.") from None
    try:
        files = [value for _, value in fields.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise Problem(400, "The form has no file: expected a picture or a video, or several.")
        return [(_name(file.filename), await file.read()) for file in files]
    finally:
        await fields.close()


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "its texts are not UTF-8"
    if isinstance(error, LookupError):
        return "its texts have an unknown encoding, expected UTF-8"
    return str(error).rstrip(".") or "it is damaged"


def _name(sent: str | None) -> str:
    """Return a file's name for messages and the log: one line of characters that can be sent."""
    shown = "".join(char if char.isprintable() else "?" for char in sent or "")
    return shown[:_NAME_LENGTH].strip() or "the picture"


async def _bounded(request: Request, max_bytes: int, memory: BodyMemory) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of the body; the length in its header is not trusted."""
    too_large = Problem(413, f"The request is larger than {max_bytes / 2**20:g} MB: send less at once.")
    if (said := request.headers.get("content-length", "")).isdigit() and int(said) > max_bytes:
        raise too_large
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen > max_bytes:
            raise too_large
        memory.take(len(part))
        yield part
