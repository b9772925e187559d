"""What it costs the app to follow training: seconds of a redraw, and the share of a core while a browser
looks at a run.

    python benchmarks/following.py            both; needs Chromium for the second
    python benchmarks/following.py --redraw   the redraws only; --follow the second only

The run has 300 finished epochs and its files grow as a training process would let them, twenty others lie
beside it. The training stand-in computes nothing, so that what is measured is the app. "bare" is a page of
one line, rerun as often: what Streamlit takes itself.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
EPOCHS, RUNS, BATCHES = 300, 20, 225  # batches as the standard preset has them on FER2013
PORT, SECONDS, REDRAWS = 8765, 30, 15


def _count_frames(received: list[int], socket: Any) -> None:
    def count(_: object) -> None:
        received[0] += 1

    socket.on("framereceived", count)


def made_run(path: Path, epochs: int = EPOCHS, seed: int = 0):
    """A run folder as training leaves it after `epochs` epochs of a plan of 400."""
    import numpy as np

    from fer_core.config import RunConfig
    from fer_core.runs.run_folder import RunFolder
    from fer_core.training.logs import BatchLog
    from fer_core.training.snapshots import SnapshotLog

    rng = np.random.default_rng(seed)
    run = RunFolder(path)
    run.create(
        RunConfig(preset="standard").replace(
            "train", epochs=400, seed=seed, learning_rate=1e-3 * (1 + seed % 3), precision="float32"
        )
    )
    run.write_history([history_row(epoch, rng) for epoch in range(1, epochs + 1)])
    log = BatchLog(run.batches, epochs)
    for batch in range(BATCHES * min(epochs, 20)):
        log.add(epochs - 20 + batch / BATCHES, rng.random(), rng.random(), 1e-3, 580.0)
    log.flush()
    labels = np.arange(3589) % 7
    watch = SnapshotLog(
        run.path,
        rng.integers(0, 256, (3589, 48, 48), np.uint8),
        labels,
        7,
        rng.normal(size=(3, 3, 1, 32)),
        epochs,
    )
    for epoch in range(1, epochs + 1):
        watch.epoch(epoch, rng.random((3589, 7)), rng.normal(size=(3, 3, 1, 32)))
    run.write_status("finished", validation_images=3589, parameters=700_000)
    return run


def history_row(epoch: int, rng) -> dict[str, float]:
    noise = rng.normal() * 0.01
    return {
        "epoch": epoch,
        "loss": 2 / epoch**0.3,
        "accuracy": 0.7 + noise,
        "val_loss": 1.2,
        "val_accuracy": 0.65 + noise,
        "best": epoch == 1,
        "learning_rate": 1e-3,
        "seconds": 50.0,
        "images_per_second": 580.0,
    }


def train_nothing(path: str, seconds: float) -> None:
    """Hold the lock and write what training writes, when it writes it: progress and batches twice a second,
    an epoch every 10 s."""
    import numpy as np

    from fer_core.runs.locks import lock_run
    from fer_core.runs.run_folder import RunFolder
    from fer_core.training.logs import BatchLog

    run, rng = RunFolder(Path(path)), np.random.default_rng(1)
    history, end = run.history(), time.monotonic() + seconds
    with lock_run(run):
        run.write_status("running")
        log = BatchLog(run.batches, len(history))
        while time.monotonic() < end:
            for tick in range(20):
                for batch in range(tick * BATCHES // 20, (tick + 1) * BATCHES // 20):
                    log.add(len(history) + batch / BATCHES, rng.random(), rng.random(), 1e-3, 580.0)
                log.flush()
                run.write_progress(
                    epoch=len(history) + 1,
                    epochs=400,
                    batch=batch + 1,
                    batches=BATCHES,
                    batch_size=128,
                    loss=1.0,
                    accuracy=0.6,
                    images_per_second=580.0,
                    epoch_seconds=5.0,
                )
                time.sleep(0.5)
            history.append(history_row(len(history) + 1, rng))
            run.write_history(history)


# --- a redraw -----------------------------------------------------------------------------------------------


def redraws(folder: Path) -> None:
    """Script time of the Train page, whole, as a visitor's click makes it run."""
    from streamlit.testing.v1 import AppTest

    logging.disable(logging.WARNING)  # "missing ScriptRunContext", once an element
    os.environ["FER_RUNS_DIR"] = str(folder)
    every = {"selection": {"rows": list(range(RUNS)), "columns": [], "cells": []}}
    views: list[tuple[str, dict[str, Any]]] = [
        (f"Watch: {view.lower()}", {"train_view": "Watch", "train_run": "followed", "watch_view": view})
        for view in ("Curves", "Confusion matrix", "Faces", "First filters")
    ]
    views += [
        (f"Runs: {RUNS} overlaid", {"train_view": "Runs", "runs_table": every}),
        (
            "Runs: parallel coordinates",
            {"train_view": "Runs", "runs_table": every, "runs_compare": "Parallel coordinates"},
        ),
    ]
    print(f"{'redraw':34}{'median s':>10}{'slowest s':>11}")
    for name, keys in views:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        app.run()
        app.switch_page("pages/train.py")
        times = []
        for _ in range(REDRAWS + 2):
            for key, value in keys.items():
                app.session_state[key] = value
            begun = time.perf_counter()
            app.run()
            times.append(time.perf_counter() - begun)
            assert not app.exception, app.exception
        times = times[2:]  # what is imported and cached the first time
        print(f"{name:34}{statistics.median(times):10.3f}{max(times):11.3f}", flush=True)


# --- following ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def served(script: str, folder: Path) -> Iterator[int]:
    """The process id of a Streamlit server for `script`."""
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        "--server.port",
        str(PORT),
        "--server.headless",
        "true",
        "--server.fileWatcherType",
        "none",
    ]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"FER_RUNS_DIR": str(folder)}
        )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://localhost:{PORT}/_stcore/health", timeout=1)
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def share_of_a_core(pid: int, seconds: float) -> float:
    import psutil

    process = psutil.Process(pid)
    before, begun = process.cpu_times(), time.perf_counter()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.perf_counter() - begun)


def following(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    from fer_core.runs.run_folder import RunFolder

    bare = folder / "bare.py"
    bare.write_text(
        "import time\nimport streamlit as st\nst.fragment(lambda: st.text(time.time()), run_every=1.2)()\n"
    )
    run = RunFolder(folder / "followed")
    training = subprocess.Popen([sys.executable, __file__, "--train-nothing", str(run.path)])
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    print(f"\n{'a browser follows':34}{'of a core':>10}{'redraws/s':>11}")
    try:
        while run.status()["state"] != "running":
            assert training.poll() is None, "the training stand-in ended"
            time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            for name, script, path in [
                ("bare", str(bare), ""),
                *(
                    (view.lower(), "streamlit_app.py", "train?train_view=Watch&train_run=followed")
                    for view in ("Curves", "Confusion matrix", "Faces")
                ),
            ]:
                with served(script, folder) as pid:
                    page = browser.new_page(viewport={"width": 1400, "height": 1000})
                    received = [0]
                    page.on("websocket", partial(_count_frames, received))
                    page.goto(f"http://localhost:{PORT}/{path}")
                    if path:
                        page.get_by_role("radio", name=name.capitalize(), exact=True).click(timeout=60_000)
                    page.wait_for_timeout(6000)
                    finished = _redraws(page)
                    share = share_of_a_core(pid, SECONDS)
                    print(f"{name:34}{share:10.1%}{(_redraws(page) - finished) / SECONDS:11.2f}", flush=True)
                    page.close()
            browser.close()
    finally:
        training.terminate()
        training.wait()


def _redraws(page) -> int:
    """How often the page was told that a script run has ended."""
    return page.evaluate(
        """() => {
          if (!window.seen) {
            window.seen = 0
            const app = document.querySelector('[data-testid=stApp]')
            const count = () => { if (app.dataset.testScriptState === 'notRunning') window.seen += 1 }
            const options = {attributes: true, attributeFilter: ['data-test-script-state']}
            new MutationObserver(count).observe(app, options)
          }
          return window.seen
        }"""
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--redraw", action="store_true")
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--train-nothing", metavar="RUN")
    options = parser.parse_args()
    if options.train_nothing:
        train_nothing(options.train_nothing, 3600)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_run(folder / "followed")
        for i in range(1, RUNS + 1):
            made_run(folder / f"run-{i:02}", seed=i)
        if not options.follow:
            redraws(folder)
        if not options.redraw:
            following(folder)


if __name__ == "__main__":
    main()
