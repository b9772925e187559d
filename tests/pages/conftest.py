"""A folder of its own for runs and data, and a server for the browser tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.presets import PRESETS
from fer_core.runs import speed
from pages.session import grad_cam
from tests.chromium import executable
from tests.pages import preloaded_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60_000  # milliseconds; the machine may be busy


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No verdicts of other tests."""
    monkeypatch.setenv("FER_EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module", autouse=True)
def speed_is_known(own_cache: None) -> None:
    """Record a speed: the first visit to the Train page would otherwise measure the machine during tests."""
    speed.record(PRESETS["quick"].config, 500.0)


@pytest.fixture(scope="module", autouse=True)
def embedded_faces_are_drawn(own_cache: None, drawn_faces: Path) -> None:
    """Each server finds the app's own faces as after its first start, which draws them for some seconds."""
    cache = os.environ["FER_EXPLORER_CACHE"]
    shutil.copytree(drawn_faces, cache, copy_function=os.link, dirs_exist_ok=True)


@pytest.fixture(scope="module", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """End Grad-CAM's, which holds some 700 MB; the tests of a file share it, since it takes long to start."""
    yield
    grad_cam.release()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty folders for runs and data, as on a fresh machine."""
    monkeypatch.setenv("FER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def open_page(
    page: str | None = None, address: Mapping[str, str | list[str]] | None = None, **state: object
) -> AppTest:
    """The app as a visitor's browser runs it, on `page` ("dataset"), which a link with `address` opens."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    for key, value in (address or {}).items():
        app.query_params[key] = value
    if page:
        app.switch_page(f"pages/{page}.py")
    return app.run()


def shown_data(app: AppTest) -> str:
    """The data set that the page's box names."""
    box = next(box for box in app.selectbox if box.label == "Data")
    return str(box.options[box.index or 0])


def reloaded(app: AppTest, page: str) -> AppTest:
    """The app after a reload of `page`: a new session at the same address."""
    again = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, value in app.query_params.items():
        again.query_params[name] = value
    return again.switch_page(f"pages/{page}.py").run()


def free_port() -> int:
    """Return a port below those that the system gives to connections, so that it can be used again."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(21000 + 500 * worker, 32000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not matter
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


class Server:
    """`streamlit run SCRIPT`, one after another on the same port: the browser has compiled its scripts.

    Args:
        preloaded: Whether it is a fork of a process that has imported the libraries.
        prepare: What its process calls first, if it is not.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        script: str = "streamlit_app.py",
        preloaded: bool = True,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.folder, self.port = folder, port or free_port()
        self.url = f"http://localhost:{self.port}"
        environment = os.environ | {
            "FER_RUNS_DIR": str(folder / "runs"),
            "FER_DATA_DIR": str(folder / "data"),
            "PYTHONFAULTHANDLER": "1",
        }
        arguments = ["run", script, f"--server.port={self.port}", "--server.headless=true"]
        arguments.append("--server.fileWatcherType=none")
        self.log = folder / "server.log"
        if preloaded:
            self.process = psutil.Process(preloaded_server.start(arguments, ROOT, environment, self.log).pid)
        else:
            command = [sys.executable, "-m", "streamlit", *arguments]
            with open(self.log, "ab") as output:
                self.process = psutil.Popen(
                    command, cwd=ROOT, env=environment, stdout=output, stderr=output, preexec_fn=prepare
                )
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("the app did not start: " + self.log.read_text())

    def stop(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except psutil.TimeoutExpired:
                self.process.send_signal(signal.SIGABRT)  # it writes what its threads do into the log
                self.process.wait(timeout=20)
                pytest.fail("the app did not end: " + self.log.read_text())

    def memory_maps(self) -> str:
        """The libraries that the app's process has loaded."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("app"))
    yield started
    started.stop()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--renderer-process-limit=1",  # see `new_visitor`
    ]
    started = playwright.chromium.launch(executable_path=executable(), args=arguments)
    yield started
    started.close()


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The desktop that one visitor after another uses."""
    desktop = browser.new_context(viewport={"width": 1280, "height": 1000})
    desktop.set_default_timeout(PATIENCE)
    yield desktop
    desktop.close()


def new_visitor(context: BrowserContext, url: str) -> Page:
    """Open a tab in which nothing is stored of the visitors before.

    The app's scripts are: to load and compile them again costs as much as all else that a page does. So the
    first tab stays on an address without scripts, and keeps the process alive in which they are compiled.
    """
    if not context.pages:
        context.new_page().goto(f"{url}/_stcore/health")
    stays, *others = context.pages
    for left in others:
        left.close()
    devtools = context.new_cdp_session(stays)
    devtools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    devtools.detach()
    context.clear_cookies()
    return context.new_page()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    """A new visitor's browser."""
    yield new_visitor(context, server.url)
    for left in context.pages[1:]:
        left.close()
