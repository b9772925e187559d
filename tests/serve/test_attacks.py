"""What clients of the API may do: sit silent, send halves, send too much, leave."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient

from fer_core.bundles.bundle import find_bundle
from fer_core.serve import Limits, create_app

ROOT = Path(__file__).resolve().parent.parent.parent
PORTRAIT = (ROOT / "pages" / "assets" / "portrait.jpg").read_bytes()


# Instead of ten and five, which nobody needs to wait for.
HEAD_SECONDS, SHUTDOWN_SECONDS = 1.5, 1
_SERVE = f"""
import sys
from fer_core.cli import main, serve
from fer_core.serve import connections
assert (connections.HEAD_SECONDS, serve._SHUTDOWN_SECONDS) == (10, 5)
connections.HEAD_SECONDS, serve._SHUTDOWN_SECONDS = {HEAD_SECONDS}, {SHUTDOWN_SECONDS}
sys.exit(main(["serve", "--port", "0", "--per-minute", "100000"]))
"""


class Service:
    """`python -m fer_core serve` in a process of its own, which waits less for a request."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE],
                cwd=ROOT,
                stderr=log,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        while not (found := re.search(r":(\d+);", self.log.read_text())):
            assert self.process.poll() is None
            time.sleep(0.1)
        self.port = int(found[1])

    def connect(self, sent: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        made.sendall(sent)
        return made

    def predict(self) -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{self.port}/predict", content=PORTRAIT, timeout=60)


def head(length: int) -> bytes:
    return f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service(tmp_path)
    yield started
    started.process.kill()
    started.process.wait()


@pytest.mark.long
@pytest.mark.parametrize("sent", ["", "POST /predict HTTP/1.1\r\nHost: a\r\n"], ids=["silent", "half"])
def test_connections_without_a_request_keep_nobody_out(service: Service, sent: str) -> None:
    """64 of them meant 503 for everybody, for ever."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(service.connect(sent.encode())) for _ in range(100)]
        assert service.predict().status_code == 200
        held[-1].settimeout(HEAD_SECONDS + 10)
        begun = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert held[-1].recv(1) == b""
        assert time.monotonic() - begun < HEAD_SECONDS + 5


@pytest.mark.long
def test_a_second_head_has_to_come_in_time_too(service: Service) -> None:
    with service.connect(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n") as held:
        assert held.recv(4096).startswith(b"HTTP/1.1 200")
        held.sendall(b"GET /health HTTP/1.1\r\n")
        held.settimeout(HEAD_SECONDS + 10)
        with contextlib.suppress(ConnectionResetError):
            while held.recv(4096):
                pass


@pytest.mark.long
def test_bodies_one_byte_short_take_bounded_memory_and_end(service: Service) -> None:
    """60 of 19 MB took 1,432 MB."""
    assert service.predict().status_code == 200
    before = psutil.Process(service.process.pid).memory_info().rss
    size = 19 * 2**20
    answers = []
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            held = stack.enter_context(service.connect())
            with contextlib.suppress(OSError):  # refused in the middle
                held.sendall(head(size) + b"x" * (size - 1))
            held.settimeout(0.2)
            with contextlib.suppress(OSError):
                answers.append(held.recv(4096))
        taken = psutil.Process(service.process.pid).memory_info().rss - before
    assert taken < 450e6
    refused = [answer for answer in answers if answer]
    assert refused and all(b'{"error":' in answer for answer in refused)
    deadline = time.monotonic() + 60
    while service.predict().status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert "Traceback" not in service.log.read_text()


@pytest.mark.long
def test_it_ends_with_a_half_sent_body(service: Service) -> None:
    with service.connect(head(1000) + b"x"):
        time.sleep(0.5)
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=20)
        assert time.monotonic() - begun < SHUTDOWN_SECONDS + 5


@pytest.mark.long
def test_clients_that_leave_leave_no_traceback(service: Service) -> None:
    for _ in range(20):
        service.connect(head(1000) + b"x").close()
    for _ in range(5):
        with service.connect(b"\x16\x03\x01 no http\r\n\r\n") as held:
            answer = b"".join(iter(lambda: held.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 400") and json.loads(answer.split(b"\r\n\r\n")[1])["error"]
    assert service.predict().status_code == 200
    assert "Traceback" not in service.log.read_text()


@pytest.fixture(scope="module")
def client() -> TestClient:
    limits = Limits(megabytes=1, at_once_per_client=2, per_minute=10_000, body_seconds=0.5)
    return TestClient(create_app(find_bundle(), limits), raise_server_exceptions=False)


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-16", "nonesuch", "idna", "rot13", "zip"])
def test_a_form_in_any_encoding_is_a_sentence(client: TestClient, charset: str) -> None:
    body = (
        b'--a\r\nContent-Disposition: form-data; name="file"; filename="\\ud800\\x.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\nx\r\n--a--\r\n"
    )
    answer = client.post(
        "/predict",
        content=body,
        headers={"content-type": f"multipart/form-data; boundary=a; charset={charset}"},
    )
    assert answer.status_code == 400 and list(answer.json()) == ["error"]


@pytest.mark.parametrize("name", ["\\ud800.jpg", "\ufffe.jpg", "a\nINFO forged line.jpg", "x" * 5000])
def test_a_name_is_one_short_line(client: TestClient, name: str) -> None:
    answer = client.post("/predict", files={"file": (name, b"no picture", "image/jpeg")})
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 500 and "\n" not in answer.json()["error"]


def test_the_requests_and_bytes_of_one_address_are_bounded() -> None:
    from fer_core.serve.admission import Admission
    from fer_core.serve.problem import Problem

    admission = Admission(Limits(megabytes=1, all_megabytes=1, at_once_per_client=2, requests_at_once=3))
    with admission.request("a") as first, admission.request("a"):
        with pytest.raises(Problem, match="More than 2 requests at the same time"), admission.request("a"):
            pass
        other = admission.request("b")
        other.__enter__()
        with pytest.raises(Problem, match="too many requests now"), admission.request("c"):
            pass
        other.__exit__(None, None, None)
        first.take(2 * 2**20)
        with pytest.raises(Problem, match="reading too many pictures"):
            first.take(1)
    assert admission.bytes == 0
    with admission.request("a"):
        pass


def test_a_forged_address_of_a_client_is_not_believed() -> None:
    """A proxy on this machine appends the true address; what a client wrote before it does not count."""
    from uvicorn.middleware.proxy_headers import _TrustedHosts

    trusted = _TrustedHosts("127.0.0.1")  # what `serve` uses
    assert "203.0.113.9" not in trusted
    assert trusted.get_trusted_client_address("10.9.8.7, 203.0.113.9")[0] == "203.0.113.9"
