"""HTTP API: its answers and errors, and that it stores nothing."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from fer_core.bundles.bundle import find_bundle
from fer_core.inference import Predictor
from fer_core.serve import Limits, create_app
from tests.video import made

ROOT = Path(__file__).resolve().parent.parent.parent
PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(find_bundle(), Limits(megabytes=1, megapixels=1, per_minute=10_000)))


def refused(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"] and "\n" not in answer.json()["error"]
    assert all(word in answer.json()["error"] for word in words), answer.json()


def test_a_form_and_raw_bytes_get_the_predictors_answer(client: TestClient) -> None:
    (expected,) = Predictor(find_bundle()).predict(PORTRAIT)
    content = PORTRAIT.read_bytes()
    for answer in (
        client.post("/predict", content=content),
        client.post("/predict", content=content, headers={"content-type": "image/jpeg"}),
        client.post("/predict", files={"file": ("me.jpg", content, "image/jpeg")}),
    ):
        assert answer.status_code == 200, answer.text
        (face,) = answer.json()["faces"]
        assert (
            tuple(face["box"]) == expected.box and face["label"] == expected.label and face["warnings"] == []
        )
        assert (
            face["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
            and face["unsure"] is False
        )


def test_parameters(client: TestClient) -> None:
    buffer = io.BytesIO()
    Image.new("L", (90, 60), 128).save(buffer, "PNG")
    assert client.post("/predict", content=buffer.getvalue()).json()["faces"] == []
    (face,) = client.post("/predict?detect=false&unsure_below=1", content=buffer.getvalue()).json()["faces"]
    assert face["box"] == [0, 0, 90, 60] and face["unsure"] is True
    refused(
        client.post("/predict?unsure_below=7", content=b"x"), 422, "unsure_below", "less than or equal to 1"
    )


def test_models_and_health(client: TestClient) -> None:
    models = client.get("/models").json()
    assert [model["name"] for model in models if model["default"]] == [find_bundle().name] and len(models) > 1
    other = next(model["name"] for model in models if not model["default"])
    assert client.post(f"/predict?model={other}", content=PORTRAIT.read_bytes()).json()["model"] == other
    assert client.get("/health").json()["status"] == "ok"


def test_a_model_is_known_by_its_name_alone(client: TestClient, trained_run: Path) -> None:
    """With a path, a client could open any file of the machine."""
    refused(
        client.post("/predict", params={"model": str(trained_run)}, content=PORTRAIT.read_bytes()),
        404,
        "There is no model",
    )


def test_what_is_no_picture_is_one_sentence(client: TestClient) -> None:
    refused(client.post("/predict"), 400, "no body")
    refused(client.post("/predict", content=b"no picture"), 400, "cannot be read as an image")
    refused(
        client.post("/predict", files={"file": ("bad.jpg", b"no picture")}), 400, "bad.jpg cannot be read"
    )
    refused(client.post("/predict", files={"a": ("a.jpg", b"x"), "b": b"y"}), 400, "a.jpg cannot be read")
    refused(client.post("/predict", files=[("file", b"x")] * 51), 400, "form cannot be read", "50")
    form = "--a\r\nContent-Disposition: form-data; name=text\r\n\r\nnothing\r\n--a--\r\n"
    multipart = {"content-type": "multipart/form-data; boundary=a"}
    refused(client.post("/predict", content=form, headers=multipart), 400, "no file")
    refused(
        client.post("/predict", content=b"xx", headers={"content-type": "multipart/form-data"}),
        400,
        "form cannot be read",
    )
    refused(
        client.post("/predict", content=b"xx", headers={"content-type": "multipart/form-data; boundary=a"}),
        400,
        "form",
    )
    refused(client.get("/nothing"), 404, "/docs")
    refused(client.get("/predict"), 405, "/docs")


def test_several_pictures_and_a_video_of_one_form_become_one_table(client: TestClient) -> None:
    portrait = PORTRAIT.read_bytes()
    film = made.video([made.frame((80, 40))] * 10, rate=10)
    files = [
        ("file", ("a.jpg", portrait)),
        ("file", ("broken.jpg", b"no picture")),
        ("file", ("film.mp4", film)),
        ("file", ("b.jpg", portrait)),
    ]
    answer = client.post("/predict?rate=5&unsure_below=0.2", files=files).json()
    assert [(file["file"], file["frames"]) for file in answer["files"]] == [
        ("a.jpg", 1),
        ("broken.jpg", 0),
        ("film.mp4", 5),
        ("b.jpg", 1),
    ]
    assert "broken.jpg cannot be read" in answer["files"][1]["error"]
    assert not any(answer["files"][i]["error"] for i in (0, 2, 3))
    rows = [(face["file"], face["time"], face["face"], face["label"]) for face in answer["faces"]]
    assert rows == [
        ("a.jpg", None, 1, "happy"),
        *(("film.mp4", time, 1, "happy") for time in (0.0, 0.2, 0.4, 0.6, 0.8)),
        ("b.jpg", None, 1, "happy"),
    ]
    alone = client.post("/predict?rate=5&unsure_below=0.2", content=film).json()
    assert [face | {"file": "film.mp4"} for face in alone["faces"]] == answer["faces"][1:-1]
    assert alone["files"][0]["duration"] == pytest.approx(1, abs=0.11)


def test_videos_have_limits_of_their_own() -> None:
    film = made.video([made.frame((80, 40))] * 30, rate=10)
    for limits, words in (
        (Limits(video_seconds=1), "0:03 minutes or more"),
        (Limits(video_work_seconds=0), "takes more than 0 s"),
    ):
        client = TestClient(create_app(find_bundle(), limits))
        answer = client.post("/predict", files={"file": ("film.mp4", film)})
        assert answer.status_code in (400, 413) and words in answer.json()["error"], answer.text
    refused(client.post("/predict?detect=false", content=film), 400, "is a video")
    refused(client.post("/predict", files={"file": ("film.mp4", film[:200])}), 400, "film.mp4")


def test_each_file_of_a_form_counts_as_a_request() -> None:
    client = TestClient(create_app(find_bundle(), Limits(per_minute=4)))
    portrait = PORTRAIT.read_bytes()
    assert client.post("/predict", files=[("file", portrait)] * 3).status_code == 200
    refused(client.post("/predict", files=[("file", portrait)] * 3), 429, "More than 4 requests")


def test_too_many_bytes_or_pixels(client: TestClient) -> None:
    large = bytes(2**20 + 1)
    refused(client.post("/predict", content=large), 413, "larger than 1 MB")
    refused(client.post("/predict", files={"file": large}), 413, "larger than 1 MB")
    parts = (large[:100_000] for _ in range(30))  # a body without a known length
    refused(client.post("/predict", content=parts), 413, "larger than 1 MB")
    buffer = io.BytesIO()
    Image.new("L", (1200, 900)).save(buffer, "PNG")
    refused(
        client.post("/predict", content=buffer.getvalue()), 413, "1200x900 pixels", "at most 1 megapixels"
    )


def test_too_many_requests_of_one_client() -> None:
    client = TestClient(create_app(find_bundle(), Limits(per_minute=2)))
    for _ in range(2):
        assert client.post("/predict", content=PORTRAIT.read_bytes()).status_code == 200
    answer = client.post("/predict", content=PORTRAIT.read_bytes())
    refused(answer, 429, "More than 2 requests within a minute")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert client.get("/health").status_code == 200
    other = TestClient(client.app, client=("10.0.0.7", 1))
    assert other.post("/predict", content=PORTRAIT.read_bytes()).status_code == 200


@pytest.mark.long
def test_many_at_once_get_their_own_answers(client: TestClient) -> None:
    """Requests from several threads, each with another number of faces."""
    face = Image.open(PORTRAIT).convert("RGB").crop((80, 0, 380, 300)).resize((200, 200))
    contents = []
    for count in range(4):
        picture = Image.new("RGB", (900, 220), "grey")
        for i in range(count):
            picture.paste(face, (10 + 220 * i, 10))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        contents.append(buffer.getvalue())
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda i: len(client.post("/predict", content=contents[i % 4]).json()["faces"]), range(16)
            )
        )
    assert answers == [0, 1, 2, 3] * 4


def test_no_more_pictures_are_analysed_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(create_app(find_bundle(), Limits(at_once=2)))
    busy, most, lock = [0], [0], threading.Lock()
    meeting = threading.Barrier(2)  # two do meet
    predict = Predictor.predict_picture

    def counted(self: Predictor, *arguments: object, **named: object) -> object:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        meeting.wait(30)
        try:
            return predict(self, *arguments, **named)
        finally:
            with lock:
                busy[0] -= 1

    monkeypatch.setattr(Predictor, "predict_picture", counted)
    with ThreadPoolExecutor(6) as pool:
        codes = list(
            pool.map(lambda _: client.post("/predict", content=PORTRAIT.read_bytes()).status_code, range(6))
        )
    assert codes == [200] * 6 and most == [2]


def test_the_openapi_page_needs_no_other_machine(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    body = schema["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "image/*", "video/*"}
    assert {"400", "413", "429"} <= set(schema["paths"]["/predict"]["post"]["responses"])
    page = client.get("/docs").text
    assert "swagger" in page and not re.search(r'(src|href)="https?://', page)
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page):
        assert client.get(address).status_code == 200


@pytest.mark.long
def test_a_real_server_answers_writes_nothing_and_ends(tmp_path: Path) -> None:
    """The server starts as for a user: without TensorFlow, and without files, even for pictures over 1 MB."""
    places = [tmp_path / name for name in ("work", "temporary", "home")]
    for place in places:
        place.mkdir()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(places[1]),
        "HOME": str(places[2]),
        "XDG_CACHE_HOME": str(places[2]),
        "FER_EXPLORER_CACHE": str(places[2]),
        "FER_EXPLORER_HOME": str(places[2]),
    }
    watched = (
        "import sys, os\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | "
        "os.O_RDWR | os.O_CREAT)"
        " and str(arguments[0]) != os.devnull:\n"
        "        print('WROTE', arguments[0], file=sys.stderr, flush=True)\n"
        "sys.addaudithook(hook)\n"
        "from fer_core.cli import main\n"
        "status = main(['serve', '--port', '0'])\n"
        "print('HEAVY', [name for name in ('tensorflow', 'keras', 'streamlit') if name in sys.modules], "
        "file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", watched], cwd=places[0], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        line = re.fullmatch(
            r"Listening on (http://127\.0\.0\.1:\d+); see /docs\. Press Ctrl-C to stop\.\n",
            server.stderr.readline(),
        )
        assert line is not None
        address = line[1]
        buffer = io.BytesIO()
        Image.open(PORTRAIT).convert("RGB").resize((1500, 1500)).save(buffer, "PNG")
        assert len(buffer.getvalue()) > 2**20
        for request in (
            {"content": buffer.getvalue()},
            {"files": {"file": ("large.png", buffer.getvalue())}},
        ):
            answer = httpx.post(f"{address}/predict", timeout=60, **request)
            assert answer.status_code == 200 and len(answer.json()["faces"]) == 1
        server.send_signal(signal.SIGINT)
        _, message = server.communicate(timeout=30)
    finally:
        server.kill()
    assert "WROTE" not in message and "Traceback" not in message, message
    assert server.returncode in (0, 130)
    assert "HEAVY []" in message or server.returncode == 130
    assert [path for place in places for path in place.rglob("*") if path.is_file()] == []


def test_an_address_that_is_taken_is_one_sentence(command) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened at" in command.error("serve", "--port", port)
    assert "There is no model" in command.error("serve", "--model", "nonesuch")
    assert "cannot be listened at" in command.error("serve", "--port", 99999)
