"""Log lines for who keeps a server: events with fields, as text, or as a JSON object a line with FER_LOG=json.

No event holds a picture, the name of a file, or who asked. Tracebacks of unforeseen errors are logged as Python writes them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import Any, TextIO

SWITCH = "FER_LOG"
_NAME = "fer"
_SERVERS = (
    "streamlit",
    "uvicorn",
    "fastapi",
    "fer_core",
    "pages",
    "py.warnings",
)  # whose lines get the same form
_logger = logging.getLogger(_NAME)


def event(what: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """One thing that happened, such as `event("run started", name="...", epochs=30)`. Nothing is written before `set_up`."""
    _logger.log(
        level,
        what,
        extra={"fer_fields": {name: value for name, value in fields.items() if value is not None}},
    )


def set_up(stream: TextIO | None = None, form: str | None = None) -> None:
    """Write events to `stream`, by default stderr; a second call changes how.

    Args:
        form: "text" or "json"; by default as FER_LOG says, else text.
    """
    asked = (form or os.environ.get(SWITCH) or "text").strip().lower()
    for handler in list(_logger.handlers):
        _logger.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if asked == "json" else TextLines())
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
    if asked == "json":
        _others_as_json()
    elif asked != "text":
        _logger.warning("%s=%s is unknown: expected json or text, so this is text", SWITCH, asked)


class JsonLines(logging.Formatter):
    """A line is one JSON object: time (UTC), level, event, its fields, and for an error its type, message and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if record.name != _NAME:
            line["logger"] = record.name
        line |= getattr(record, "fer_fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            line["error"] = {
                "type": kind.__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(*record.exc_info)),
            }
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """The same for people to read: time, level, event, field=value."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in getattr(record, "fer_fields", {}).items())
        line = f"{_utc(record)} {record.levelname} {record.getMessage()}{fields}"
        return line if not record.exc_info else f"{line}\n{self.formatException(record.exc_info)}"


def _utc(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"


def _others_as_json() -> None:
    """Let what the server itself logs, tracebacks of pages among it, be JSON lines too."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.split(".")[0] in _SERVERS:
            for handler in logger.handlers:
                handler.setFormatter(JsonLines())
