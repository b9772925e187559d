"""Helper process of Grad-CAM: its maps, its start and end, and that it never outlives the app."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from fer_core.bundles.bundle import Bundle, find_bundle
from fer_core.errors import ModelError
from fer_core.explanation.grad_cam import GradCam
from fer_core.explanation.grad_cam_process import GradCamProcess
from fer_core.resources import ROOT
from tests import tiny

pytestmark = pytest.mark.long

IMAGES = tiny.banded(np.arange(7))


@pytest.fixture(scope="module")
def bundle(trained_run: Path) -> Bundle:
    return find_bundle(str(trained_run))


@pytest.fixture(scope="module")
def process(bundle: Bundle) -> Iterator[GradCamProcess]:
    """One for two tests, since it takes long to start."""
    made = GradCamProcess(bundle)
    yield made
    made.close()


def workers() -> list[psutil.Process]:
    """Those that this test process started."""
    alive = [
        child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE
    ]  # other tests leave such behind
    return [child for child in alive if "fer_core.explanation.grad_cam_worker" in child.cmdline()]


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(1800):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def test_it_gets_ready_in_the_background_and_answers_several_threads(
    process: GradCamProcess, bundle: Bundle
) -> None:
    process.start()
    process.start()
    assert not process.ready and len(workers()) == 1, "one process, and it is not waited for"
    wait(lambda: process.ready)
    expected = GradCam(bundle).maps(IMAGES)
    results: dict[int, np.ndarray] = {}

    def ask(i: int) -> None:
        results[i] = process.maps(IMAGES[i : i + 1 + i % 3])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(7):
        assert np.allclose(results[i], expected[i : i + 1 + i % 3], atol=1e-4)


def test_one_that_died_is_one_sentence_and_starts_again_until_it_is_closed(process: GradCamProcess) -> None:
    process.maps(IMAGES[:1])
    (worker,) = workers()
    worker.suspend()
    with pytest.raises(ModelError, match="did not answer within 1 s"):
        process.maps(IMAGES[:1], timeout=1)
    assert not workers(), "what does not answer is ended"
    process.start()
    wait(lambda: process.ready)
    (worker,) = workers()
    answer: list[str] = []

    def ask() -> None:
        try:
            process.maps(IMAGES[:1])
        except ModelError as error:
            answer.append(str(error))

    worker.suspend()  # so that it dies with the request in its hands
    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    worker.kill()
    asking.join()
    assert len(answer) == 1 and "ended unexpectedly" in answer[0]
    assert process.maps(IMAGES[:2]).shape == (2, 7, 48, 48)
    process.close()
    assert not workers() and not process.ready
    with pytest.raises(ModelError, match="was closed"):
        process.maps(IMAGES)


def test_a_model_that_cannot_be_read_is_one_sentence(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.keras, which is missing"):
        GradCamProcess(Bundle(tmp_path, bundle.card)).start()
    shutil.copytree(bundle.path, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.keras").write_bytes(b"no model")
    process = GradCamProcess(Bundle(tmp_path / "damaged", bundle.card))
    process.start()
    wait(lambda: process.failed)
    for _ in range(2):  # the second time it was started again
        with pytest.raises(ModelError, match="cannot be read as a Keras model"):
            process.maps(IMAGES)
    process.close()
    assert not workers()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_no_orphan_is_left_when_the_app_is_killed(bundle: Bundle) -> None:
    code = textwrap.dedent(f"""
        import sys, time, psutil
        from pathlib import Path
        from fer_core.bundles.bundle import read_bundle
        from fer_core.explanation.grad_cam_process import GradCamProcess
        process = GradCamProcess(read_bundle(Path({str(bundle.path)!r})))
        process.start()
        while not process.ready:
            time.sleep(0.1)
        imported = ["tensorflow" in sys.modules, "keras" in sys.modules]
        print(psutil.Process().children()[0].pid, *imported, flush=True)
        time.sleep(60)
    """)
    app = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None
    pid, *heavy = app.stdout.readline().split()
    assert heavy == ["False", "False"], "the app's process stays light"
    assert psutil.pid_exists(int(pid))
    app.kill()
    app.wait()
    wait(lambda: not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE)
