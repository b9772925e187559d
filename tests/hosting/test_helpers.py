"""Helper processes: counted before they take memory, one for each visitor, niced and reaped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fer_core.errors import ModelError
from fer_core.hosting import memory
from fer_core.hosting.helpers import AT_ONCE, Helpers
from fer_core.hosting.settings import HostingSettings

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = HostingSettings()


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


@pytest.fixture
def started() -> Iterator[Helpers]:
    yield (made := Helpers())
    for helper in made._running:
        helper.process.kill()
        helper.process.wait()


def press_together(made: Helpers, visitors: int) -> list[str]:
    """Return the refusals of visitors who all press at once."""
    refused: list[str] = []
    ready = threading.Barrier(visitors)

    def press(number: int) -> None:
        ready.wait()
        try:
            made.start("Grad-CAM", sleeper, SETTINGS, f"visitor {number}")
        except ModelError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=press, args=(i,)) for i in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_twenty_visitors_who_press_together_stay_under_the_memory(
    started: Helpers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of the processes has taken its memory when the next one is asked for."""
    monkeypatch.setattr(memory, "free", lambda limit: 1_000_000_000)
    refused = press_together(started, 20)
    assert len(refused) == 19 and started.reap() == 1
    assert "needs 700 MB of memory, which this server does not have now" in refused[0]


def test_few_run_at_once_however_much_memory_there_is(
    started: Helpers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda limit: 10**12)
    refused = press_together(started, 20)
    assert started.reap() == AT_ONCE and len(refused) == 20 - AT_ONCE


def test_a_visitor_has_one_job_and_local_use_no_limit(
    started: Helpers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda limit: 10**12)
    started.start("The map", sleeper, SETTINGS, "one")
    with pytest.raises(ModelError, match="The map that you started is not finished yet"):
        started.start("The conversion", sleeper, SETTINGS, "one")
    monkeypatch.setattr(memory, "free", lambda limit: 0)
    for _ in range(AT_ONCE + 1):
        started.start("The map", sleeper, None)


def test_they_give_way_to_the_app_and_leave_no_zombies(
    started: Helpers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda limit: 10**12)
    process = started.start("The map", sleeper, SETTINGS, "one")
    assert psutil.Process(process.pid).nice() > os.nice(0) or os.nice(0) >= 19
    if sys.platform == "linux":
        assert int(Path(f"/proc/{process.pid}/oom_score_adj").read_text()) == 1000
    os.kill(process.pid, 9)
    while started.reap():
        pass
    assert not psutil.pid_exists(process.pid)
    started.start("The map", sleeper, SETTINGS, "one")


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_one_place_starts_the_processes_of_the_pages(path: Path) -> None:
    """A process that is started elsewhere would be neither counted nor niced."""
    direct = re.compile(r"(?<!lambda: )(subprocess\.(run|Popen|call|check_output)|start_detached)\(")
    assert not direct.findall(path.read_text(encoding="utf-8"))
