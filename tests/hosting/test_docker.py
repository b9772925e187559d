"""Dockerfile checks that need no Docker, which is not available to the tests."""

from __future__ import annotations

import ast
import http.server
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
# Of Debian's slim image with Python: glibc, and what apt, dpkg and Python themselves need.
IN_THE_IMAGE = re.compile(
    r"lib(c|m|mvec|dl|rt|pthread|resolv|util|gcc_s|stdc\+\+|z)\.so[.\d]*|ld-linux.*|linux-vdso.*"
)


def of(instruction: str) -> list[str]:
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    copied = [source for line in of("COPY") for source in line.split()[:-1]]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, f"{source} is left out by .dockerignore"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied), (
        "nothing else is sent to Docker"
    )
    assert not any("secrets" in source for source in copied)


def test_the_app_needs_nothing_that_is_not_copied() -> None:
    """What the pages and the package open beside themselves."""
    for name in ("pages", "fer_core", "streamlit_app.py"):
        files = sorted((ROOT / name).rglob("*.py")) if (ROOT / name).is_dir() else [ROOT / name]
        for path in files:
            assert not re.search(
                r"^\s*(from|import) (tests|benchmarks)\b", path.read_text(encoding="utf-8"), re.M
            ), path


def test_it_runs_without_privileges_and_has_a_health_check() -> None:
    assert of("USER") == ["fer"] and TEXT.index("USER fer") < TEXT.index("\nCMD ")
    check = re.search(r"^HEALTHCHECK.*?CMD (\[.*\])$", TEXT, re.M)
    assert check and "/_stcore/health" in check[1] and "curl" not in TEXT
    environment = dict(pair.split("=", 1) for line in of("ENV") for pair in shlex.split(line))
    written = [
        environment[name]
        for name in (
            "FER_DATA_DIR",
            "FER_RUNS_DIR",
            "FER_MODELS_DIR",
            "FER_EXPLORER_HOME",
            "FER_EXPLORER_CACHE",
        )
    ]
    assert all(path.startswith("/data/") for path in written) and of("VOLUME") == ["/data"]
    assert environment["FER_HOSTED"] == "1", "a server open to all is hosted unless one says otherwise"


@pytest.mark.parametrize("base", ["", "fer", "/fer/"])
def test_the_health_check_asks_the_address_that_streamlit_answers(base: str) -> None:
    code = ast.literal_eval(
        re.search(
            r"^HEALTHCHECK.*?CMD "
            r"(\[.*\])$",
            TEXT,
            re.M,
        )[1]
    )[2]  # type: ignore[index]
    asked = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) == 1 else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [sys.executable, "-c", code.replace("8501", str(server.server_port))]
        environment = os.environ | {"STREAMLIT_SERVER_BASE_URL_PATH": base}
        healthy, ill = (
            subprocess.run(command, env=environment, capture_output=True).returncode for _ in range(2)
        )
        server.shutdown()
    assert asked[0] == ("/fer/_stcore/health" if base else "/_stcore/health") and (healthy, ill) == (0, 1)


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("ldd") is None, reason="ldd tells what Linux wheels need"
)
def test_the_wheels_need_nothing_of_the_system_that_the_slim_image_lacks() -> None:
    packages = Path(sysconfig.get_path("platlib"))
    needed: dict[str, str] = {}
    for name in (
        "cv2",
        "av",
        "PIL",
        "pillow_heif",
        "pylibsrtp",
        "pyarrow/lib.cpython*",
        "sklearn/_loss",
        "openTSNE",
        "ai_edge_litert/_pywrap*",
    ):
        for library in [
            path
            for found in packages.glob(name)
            for path in (found.rglob("*.so") if found.is_dir() else [found])
        ]:
            for line in subprocess.run(
                ["ldd", str(library)], capture_output=True, text=True
            ).stdout.splitlines():
                words = line.split()
                inside = len(words) > 2 and words[2].startswith(str(packages))
                if words and not inside:
                    needed[Path(words[0]).name] = library.name
    assert "libc.so.6" in needed
    assert not {name: by for name, by in needed.items() if not IN_THE_IMAGE.fullmatch(name)}
