"""Report for an issue: complete, and without names."""

from __future__ import annotations

import getpass
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.diagnostics import report
from fer_core.hosting.settings import HostingSettings
from tests.pages.made_runs import made_run

ROOT = Path(__file__).resolve().parent.parent.parent


def test_it_contains_what_matters(tmp_path: Path) -> None:
    made_run(tmp_path, "a")
    made_run(tmp_path, "b", state="queued")
    found = report.diagnose([tmp_path], HostingSettings(memory_mb=1000), visitors=2)
    assert found.runs == {"queued": 1, "finished": 1} and (found.under_way, found.waiting) == (0, 1)
    assert (
        found.memory_limit == 1_000_000_000
        and 10_000_000 < found.memory_app <= found.memory_used < 20_000_000_000
    )
    text = report.as_text(found)
    for part in (
        "FER Explorer",
        f"Python {platform.python_version()}",
        "streamlit 1.",
        "keras 3.",
        "opencv-python-headless 4.",
        "ai-edge-litert",
        "Keras backend tensorflow",
        "0 under way, 1 waiting",
        "2 visitors with a folder",
        "epochs 30",
    ):
        assert part in text, part
    assert "tensorflow-cpu 2." in text or "tensorflow 2." in text
    assert "hosted: no" in report.as_text(report.diagnose([tmp_path / "none"]))


def test_only_processes_of_this_app_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    class Process:
        """A process with a command line, of this user."""

        def __init__(self, pid: int, *words: object) -> None:
            self.pid, self.words = pid, [sys.executable, "-m", *map(str, words)]

        def cmdline(self) -> list[str]:
            return self.words

        def uids(self) -> object:
            return psutil.Process().uids()

    class Started(psutil.Process):
        def children(self, recursive: bool = False) -> list[psutil.Process]:
            return [Process(3, "fer_core")] if recursive else []  # type: ignore[list-item]

    processes = [
        Process(1, "fer_core", "train", "--resume", tmp_path / "runs" / "a"),
        Process(2, "fer_core", "train", "--resume", tmp_path / "runs of another app" / "a"),
        Process(3, "fer_core.explanation.grad_cam_worker", "/models/tiny"),
        Process(4, "fer_core.explanation.grad_cam_worker", "/models/tiny"),
        Process(5, "fer_core", "predict", "photo.jpg"),
    ]
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(processes))
    monkeypatch.setattr(psutil, "Process", Started)
    monkeypatch.setattr(report.memory, "process_bytes", lambda pid: pid)
    found = report.diagnose([tmp_path / "runs"])
    assert found.memory_workers == (("Grad-CAM", 3), ("training", 1))


def test_it_contains_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "zaphod-beeble"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "zaphod-beeble")
    monkeypatch.setenv("KERAS_BACKEND", "zaphods-own")
    monkeypatch.setattr(platform, "node", lambda: "heart-of-gold.example.org")
    monkeypatch.setattr(platform, "release", lambda: "6.8.0-zaphod-custom")
    runs = home / "runs-of-zaphod"
    made_run(runs, "my-aunt-at-the-sea", message="cannot read /home/zaphod-beeble/faces.csv from 192.168.1.7")
    made_run(runs, "b", state="zaphods-state")
    real = report.metadata.version
    monkeypatch.setattr(
        report.metadata, "version", lambda name: "3.15.1+zaphod.local" if name == "keras" else real(name)
    )
    text = report.as_text(report.diagnose([runs], HostingSettings(), 1))
    assert "keras 3.15.1" in text and "backend another" in text and "6.8.0" in text and "1 unknown" in text
    for name in (
        "zaphod",
        "aunt",
        "heart-of-gold",
        "faces.csv",
        str(tmp_path),
        str(Path.home()),
        socket.gethostname(),
    ):
        assert name not in text, name
    assert "/" not in text, "no path"
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", re.sub(r"packages: .*", "", text)), "no address"
    assert len(getpass.getuser()) < 5 or getpass.getuser() not in text


def test_nothing_heavy_is_imported_for_it(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from fer_core.diagnostics import report; "
        "report.as_text(report.diagnose([Path('.')]));"
        "import sys; print([m for m in ('tensorflow', 'keras', 'streamlit', 'cv2', 'pandas') if m in "
        "sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
