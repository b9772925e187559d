"""Log lines: JSON if requested, with tracebacks, and without personal data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_core.diagnostics import log


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    yield
    logger = logging.getLogger("fer")
    logger.handlers.clear()
    logger.propagate, logger.level = True, logging.NOTSET


def written(form: str, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Where the log goes from now on."""
    stream = io.StringIO()
    monkeypatch.setenv("FER_LOG", form)
    log.set_up(stream)
    return stream


def test_events_are_json_lines_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = written("json", monkeypatch)
    log.event("run started", name="a", epochs=3, left_out=None)
    log.event("second")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z") and first == {
        "level": "info",
        "event": "run started",
        "name": "a",
        "epochs": 3,
    }
    assert second["event"] == "second"


def test_events_are_text_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.delenv("FER_LOG", raising=False)
    log.set_up(stream)
    log.event("run started", name="a")
    assert stream.getvalue().endswith("Z INFO run started name=a\n")


def test_an_error_brings_its_traceback_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = written("json", monkeypatch)
    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        logging.getLogger("fer").exception("the keeper failed")
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (
        found["level"] == "error"
        and found["error"]["type"] == "ValueError"
        and "test_log.py" in found["error"]["traceback"]
    )


def test_what_the_server_logs_gets_the_same_form(monkeypatch: pytest.MonkeyPatch) -> None:
    other, stream = logging.getLogger("streamlit.test_of_ours"), io.StringIO()
    other.addHandler(logging.StreamHandler(stream))
    written("json", monkeypatch)
    other.warning("something")
    other.handlers.clear()
    assert json.loads(stream.getvalue()) == json.loads(stream.getvalue()) | {
        "logger": "streamlit.test_of_ours",
        "event": "something",
    }


def test_a_photo_is_counted_and_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
    from pages.widgets import photo_results

    stream = written("json", monkeypatch)
    content = photo_results.SAMPLE.read_bytes()
    photo_results.classify("my-aunt-at-the-sea.jpg", content, find_bundle(PHOTO_MODEL))
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (
        found["event"] == "photo classified"
        and found["faces"] == 1
        and set(found) == {"time", "level", "event", "faces", "milliseconds"}
    )


def test_an_unknown_form_is_said_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = written("yaml", monkeypatch)
    assert "FER_LOG=yaml is unknown" in stream.getvalue()


def test_a_library_stays_silent(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log.event("run started", name="a")
    assert capsys.readouterr() == ("", "")


def test_a_name_with_a_line_break_forges_no_line() -> None:
    stream = io.StringIO()
    log.set_up(stream, "text")
    log.event("run started", name="a\n2026-01-01T00:00:00.000Z INFO admin signed in\u2028\x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1 and "\x1b" not in stream.getvalue()
