"""Structured log lines: events with fields, as text, or as one JSON object per line with FER_LOG=json.

No event contains a picture, a file name or a user. Tracebacks of unexpected errors are logged in Python's
format.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

SWITCH = "FER_LOG"
_NAME = "fer"
# Loggers whose lines get the same format.
_SERVERS = (
    "streamlit",
    "uvicorn",
    "fastapi",
    "fer_core",
    "pages",
    "py.warnings",
)
_logger = logging.getLogger(_NAME)


def event(what: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """Log one event, such as `event("run started", name="...", epochs=30)`.

    Nothing is written before `set_up`.
    """
    _logger.log(
        level,
        what,
        extra={"fer_fields": {name: value for name, value in fields.items() if value is not None}},
    )


def set_up(stream: TextIO | None = None, form: str | None = None) -> None:
    """Write events to `stream`, by default stderr; a second call changes the format.

    Args:
        form: "text" or "json"; by default FER_LOG, else text.
    """
    form_name = (form or os.environ.get(SWITCH) or "text").strip().lower()
    for handler in list(_logger.handlers):
        _logger.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form_name == "json" else TextLines())
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
    if form_name == "json":
        _others_as_json()
    elif form_name != "text":
        _logger.warning("%s=%s is unknown: expected json or text, so this is text", SWITCH, form_name)


class JsonLines(JsonFormatter):
    """Formatter of one JSON object per line: time (UTC), level, event, its fields, and an error's details."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False, json_default=str)

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data |= {"time": _utc(record), "level": record.levelname.lower(), "event": record.getMessage()}
        if record.name != _NAME:
            log_data["logger"] = record.name
        log_data |= getattr(record, "fer_fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            trace = message_dict["exc_info"] + "\n"
            log_data["error"] = {"type": kind.__name__, "message": str(error), "traceback": trace}


class TextLines(logging.Formatter):
    """Formatter for people: time, level, event, field=value."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in getattr(record, "fer_fields", {}).items())
        # A name with a line break must not forge a line.
        text = "".join(char if char.isprintable() else "?" for char in f"{record.getMessage()}{fields}")
        line = f"{_utc(record)} {record.levelname} {text}"
        return line if not record.exc_info else f"{line}\n{self.formatException(record.exc_info)}"


def _utc(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"


def _others_as_json() -> None:
    """Format the server's own log lines as JSON too, including tracebacks of pages."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.split(".")[0] in _SERVERS:
            for handler in logger.handlers:
                handler.setFormatter(JsonLines())
