"""Several workers write the same files as one; if one or all are killed, nothing is lost or done twice."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent.parent
FACES, PART = 3_000, 64
PARTS = -(-FACES // PART)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces enough for a second or two of work."""
    path = tmp_path_factory.mktemp("noise") / "noise.npz"
    rng = np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 256, (FACES, 48, 48), np.uint8), labels=np.arange(FACES) % 7)
    return path


@pytest.fixture(scope="module")
def by_one(noise: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("one") / "out"
    process = start(noise, out, 1)
    assert process.wait(timeout=200) == 0
    return content(out)


def start(source: Path, out: Path, workers: int, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "fer_core",
        "score",
        source,
        "--out",
        out,
        "--model",
        "tiny",
        "--part-size",
        PART,
        "--workers",
        workers,
    ]
    return subprocess.Popen(
        [*map(str, command), *more, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    )


def _heed_ctrl_c() -> None:
    """Stop ignoring SIGINT, as tests do that a shell runs in the background, together with their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*.parquet")}


def wait_for_parts(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while len(list(out.glob("part-*.parquet"))) < count:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """The processes below it that do the work."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if word in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            pass
    return found


def kill_one(process: subprocess.Popen[str], out: Path, word: str) -> None:
    """Kill it during its work with `kill -9`."""
    wait_for_parts(out, 3, process)
    victims = workers_of(process, word)
    assert len(victims) == 2, [victim.cmdline() for victim in victims]
    os.kill(victims[0].pid, signal.SIGKILL)
    assert len(list(out.glob("part-*.parquet"))) < PARTS, "everything was done before it could be killed"


def check(process: subprocess.Popen[str], out: Path, by_one: dict[str, bytes]) -> dict[str, object]:
    reported, log = process.communicate(timeout=250)
    assert process.returncode == 0, log
    assert content(out) == by_one, "other files than one worker's"
    rows = pd.read_parquet(out)["row"]
    assert rows.tolist() == list(range(FACES)), "faces are missing, or there twice"
    summary = json.loads(reported)
    assert (summary["items"], summary["rows"], summary["parts"]) == (FACES, FACES, PARTS)
    return summary


def test_a_killed_worker_loses_nothing(noise: Path, by_one: dict[str, bytes], tmp_path: Path) -> None:
    process = start(noise, tmp_path / "out", 2)
    kill_one(process, tmp_path / "out", "spawn_main")
    summary = check(process, tmp_path / "out", by_one)
    assert summary["workers"] == 2 and summary["engine"] == "local"


def test_a_killed_job_goes_on_where_it_ended_and_leaves_no_worker_behind(
    noise: Path, by_one: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(noise, out, 2)
    wait_for_parts(out, 3, process)
    workers = workers_of(process, "spawn_main")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not psutil.wait_procs(workers, timeout=20)[1], "workers outlive the job that they work for"
    there = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    assert 3 <= len(there) < PARTS
    summary = check(start(noise, out, 2), out, by_one)
    assert summary["parts_before"] == len(there)
    assert {name: (out / name).stat().st_mtime_ns for name in there} == there, "what was done was done again"


def test_ctrl_c_ends_it_in_one_word(noise: Path, tmp_path: Path) -> None:
    process = start(noise, tmp_path / "out", 2)
    wait_for_parts(tmp_path / "out", 3, process)
    for one in (
        *workers_of(process, "spawn_main"),
        psutil.Process(process.pid),
    ):  # a terminal sends it to all processes
        one.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 130 and log.rstrip().endswith("interrupted") and "Traceback" not in log, log


needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is optional: pip install -r requirements-scale.txt"
)


@needs_ray
@pytest.mark.slow
def test_ray_gives_the_files_of_one_though_a_worker_is_killed(
    noise: Path, by_one: dict[str, bytes], tmp_path: Path
) -> None:
    process = start(noise, tmp_path / "out", 2, "--ray", "local")
    kill_one(process, tmp_path / "out", "ray::MapWorker")
    assert check(process, tmp_path / "out", by_one)["engine"] == "ray"


@needs_ray
def test_a_cluster_that_is_not_there_is_one_sentence(shell, noise: Path, tmp_path: Path) -> None:
    assert "No Ray cluster answers at 'auto'" in shell.error(
        "score", noise, "--out", tmp_path / "out", "--model", "tiny", "--ray", "auto"
    )


def test_without_ray_the_error_names_what_to_install(noise: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['ray'] = None\nfrom fer_core.cli import main\n"
        f"sys.exit(main(['score', {str(noise)!r}, '--out', {str(tmp_path / 'out')!r}, '--model', 'tiny', "
        "'--ray', 'local']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (
        done.returncode == 1
        and "pip install -r requirements-scale.txt" in done.stderr
        and "Traceback" not in done.stderr
    ), done.stderr
