"""The live view before there is video: TURN servers, the connection check, the way to a snapshot."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from fer_core.live import FrameScheduler, LiveError, LiveSettings
from fer_core.live.history import History
from pages.views.predict import connection, live_chart, live_stream, live_video, turn_servers
from pages.views.predict.connection import Browser, checks
from pages.views.predict.turn_servers import TurnServers

VIEW = Path(__file__).parent / "live_view.py"
READY = Browser(secure=True, permission="granted", cameras=1)
LOCAL, DEPLOYED = "http://localhost:8501/predict", "https://faces.example.org/predict"


def wrong(*arguments: Any) -> list[str]:
    return [point.name for point in checks(*arguments) if point.good is False]


def sentence(name: str, *arguments: Any) -> str:
    return next(point.sentence for point in checks(*arguments) if point.name == name)


def test_a_page_on_the_own_machine_needs_nothing() -> None:
    assert all(point.good for point in checks(LOCAL, READY, TurnServers([]), 3, True))
    assert not wrong(LOCAL, Browser(), TurnServers([]), None, False)


def test_without_https_the_browser_gives_no_camera() -> None:
    assert wrong("http://192.168.1.4:8501/predict", Browser(), TurnServers([]), None, False) == ["https"]
    assert wrong(DEPLOYED, Browser(secure=False), TurnServers([]), None, False) == ["https"]
    assert "https://" in sentence(
        "https", "http://192.168.1.4:8501/", Browser(), TurnServers([]), None, False
    )


def test_a_missing_or_denied_camera_is_named() -> None:
    assert wrong(LOCAL, Browser(True, "prompt", 0), TurnServers([]), None, False) == ["Camera"]
    assert wrong(LOCAL, Browser(True, "denied", 1), TurnServers([]), None, False) == ["Permission"]
    assert not wrong(LOCAL, Browser(True, "unknown", -1), TurnServers([]), None, False)  # an older Firefox


def test_no_video_for_ten_seconds_is_told_with_what_is_missing() -> None:
    assert not wrong(DEPLOYED, READY, TurnServers([]), 9, False)
    assert wrong(DEPLOYED, READY, TurnServers([]), 11, False) == ["Connection"]
    assert "no relay (TURN) server is configured" in sentence(
        "Connection", DEPLOYED, READY, TurnServers([]), 11, False
    )
    assert "firewall or VPN" in sentence(
        "Connection", DEPLOYED, READY, TurnServers([{"urls": "turn:x"}], "iceServers"), 11, False
    )
    assert not wrong(DEPLOYED, READY, TurnServers([]), 11, True)  # video came


def test_a_deployed_app_without_secrets_says_how_to_set_them() -> None:
    assert ".streamlit/secrets.toml" in sentence("Relay", DEPLOYED, READY, TurnServers([]), None, False)
    assert "Cloudflare" in sentence(
        "Relay", DEPLOYED, READY, TurnServers([{"urls": "turn:x"}], "Cloudflare"), None, False
    )


def test_plain_servers_are_taken_as_they_are() -> None:
    server = {"urls": ["turn:relay.example.org:3478"], "username": "me", "credential": "secret"}
    assert turn_servers.from_settings({"iceServers": [server]}) == TurnServers([server], "iceServers")
    assert turn_servers.from_settings({}) == TurnServers([])
    for damaged in ("turn:x", [], ["turn:x"], [{"url": "turn:x"}]):
        assert "must be a list of tables with urls" in str(
            turn_servers.from_settings({"iceServers": damaged}).problem
        )


def test_half_of_a_pair_of_keys_is_named() -> None:
    found = turn_servers.from_settings({"TWILIO_ACCOUNT_SID": "AC1"})
    assert not found.servers and "TWILIO_AUTH_TOKEN is missing" in str(found.problem)
    assert "CLOUDFLARE_TURN_KEY_ID is missing" in str(
        turn_servers.from_settings({"CLOUDFLARE_TURN_KEY_API_TOKEN": "t"}).problem
    )
    assert wrong(DEPLOYED, READY, found, None, False) == ["Relay"]


def test_twilio_and_cloudflare_are_asked_for_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[urllib.request.Request] = []
    answers = {
        "api.twilio.com": {
            "ice_servers": [{"url": "turn:t", "urls": "turn:t", "username": "u", "credential": "c"}]
        },
        "rtc.live.cloudflare.com": {"iceServers": [{"urls": ["turn:c"], "username": "u", "credential": "c"}]},
    }

    class Answer(io.BytesIO):
        status = 201

    def opened(request: urllib.request.Request, timeout: float) -> Answer:
        asked.append(request)
        return Answer(json.dumps(answers[request.host]).encode())

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    twilio = turn_servers.from_settings({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "word"})
    assert twilio == TurnServers([{"urls": "turn:t", "username": "u", "credential": "c"}], "Twilio")
    assert asked[0].full_url.endswith("/Accounts/AC1/Tokens.json") and asked[0].method == "POST"
    assert asked[0].get_header("Authorization") == "Basic " + base64.b64encode(b"AC1:word").decode()
    cloudflare = turn_servers.from_settings(
        {"CLOUDFLARE_TURN_KEY_ID": "id", "CLOUDFLARE_TURN_KEY_API_TOKEN": "token"}
    )
    assert cloudflare.source == "Cloudflare" and cloudflare.servers[0]["urls"] == ["turn:c"]


def test_a_service_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", refused)
    found = turn_servers.from_settings({"TWILIO_ACCOUNT_SID": "AC2", "TWILIO_AUTH_TOKEN": "word"})
    assert not found.servers and "Twilio returned no TURN servers" in str(found.problem)


class Idle(SimpleNamespace):
    """What `webrtc_streamer` returns before Start, which AppTest cannot draw."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            state=SimpleNamespace(playing=False, signalling=False), video_processor=None, given=given
        )


def test_the_view_asks_nobody_outside_and_leads_to_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(live_video, "webrtc_streamer", lambda *_, **given: calls.append(given) or Idle())
    app = AppTest.from_file(str(VIEW), default_timeout=60).run()
    assert not app.exception
    assert calls[-1]["rtc_configuration"] == {"iceServers": []}  # else Google's STUN server would be asked
    assert calls[-1]["media_stream_constraints"]["audio"] is False
    assert "Press Start" in app.info[0].value
    app.button(key="live_snapshot").click().run()
    assert app.session_state["predict_way"] == "Camera"


def test_too_many_people_are_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, "_turns", FrameScheduler(max_concurrent=1, max_sessions=1))
    first = live_stream.Stream(find_bundle(PHOTO_MODEL), LiveSettings())
    with pytest.raises(LiveError, match="take a snapshot"):
        live_stream.Stream(find_bundle(PHOTO_MODEL), LiveSettings())
    first.on_ended()
    live_stream.Stream(find_bundle(PHOTO_MODEL), LiveSettings()).on_ended()


@pytest.mark.parametrize(("page_is_open", "longest"), [(True, 5), (False, 1.5)])
def test_silence_ends_a_session_sooner_where_its_page_is_gone(
    monkeypatch: pytest.MonkeyPatch, page_is_open: bool, longest: float
) -> None:
    monkeypatch.setattr(
        live_stream.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None)
    )  # nobody else looks
    monkeypatch.setattr(live_stream.runtime, "exists", lambda: True)
    monkeypatch.setattr(
        live_stream.runtime,
        "get_instance",
        lambda: SimpleNamespace(is_active_session=lambda visit: page_is_open),
    )
    stream = live_stream.Stream(find_bundle(PHOTO_MODEL), LiveSettings())
    stream._session_id, now = "visit", live_stream.time.monotonic()
    for silent, closed in ((longest - 0.4, False), (longest + 0.1, True)):
        stream._last_frame = now - silent
        monkeypatch.setattr(live_stream.time, "monotonic", lambda: now)
        stream.end_if_silent()
        assert stream.session.closed == closed


def test_the_chart_draws_gaps_as_gaps() -> None:
    history = History(
        np.array([30.0, 29.8, 10.0, 9.8]), np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 1]], np.float32)
    )
    drawn = live_chart.svg(history, ("happy", "sad"))
    assert drawn.count("<polyline") == 4  # two stretches of two classes
    assert 'points="322.0,4.0 ' in drawn  # half a minute ago is in the middle, and 100 % at the top


def test_local_addresses() -> None:
    assert all(map(connection.is_local, (LOCAL, "http://127.0.0.1:1/", "http://[::1]:8501/", None)))
    assert not any(map(connection.is_local, (DEPLOYED, "http://192.168.1.4:8501/")))
