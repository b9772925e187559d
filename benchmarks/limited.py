"""Run a program as a small host would: so much memory and so much of a processor for it and all that it
starts.

Memory: a control group (cgroup v2, or v1's `memory`) where one may be made; else the processes are looked at
five times a second (PSS: shared pages count once; pages of files, which a system under pressure would give
up, count too) and all are ended when they exceed the limit. Processor: a control group (v2, or v1's `cpu`)
where one may be made; else one core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from fer_core.hosting.memory import group_figure

_GROUPS = Path("/sys/fs/cgroup")
_LOOK_SECONDS = 0.2
_PERIOD = 100_000  # microseconds


@dataclass
class Limited:
    """The processes, what holds them, and what they took."""

    megabytes: int
    cores: float
    how: str = ""
    killed: str = ""  # why, once they were ended for their memory
    # bytes of all together: what a group holds without the pages of files, which it would give up; else PSS
    peak: int = 0
    peaks: dict[str, int] = field(default_factory=dict)  # bytes of the largest process of each kind
    _folders: list[Path] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """The program; what it starts is held too, even where that outlives it."""
        both = self._v2_group()
        memory = both or self._v1_group(
            "memory", {"memory.limit_in_bytes": self.megabytes * 1_000_000, "memory.swappiness": 0}
        )
        cpu = both or self._v1_group(
            "cpu", {"cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": int(self.cores * _PERIOD)}
        )
        groups = [folder for folder in dict.fromkeys((memory, cpu)) if folder is not None]
        # The shell goes into the groups and then becomes the program, so that no moment is left out.
        enter = "".join(f'echo $$ > "{folder}/cgroup.procs"; ' for folder in groups) + 'exec "$@"'
        one_core = [] if cpu is not None else ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
        self.process = subprocess.Popen(
            [*one_core, "sh", "-c", enter, "sh", *command],
            env=dict(environment),
            cwd=cwd,
            stdout=log,
            stderr=log,
        )
        self._mark = next((value for name, value in environment.items() if name == "FER_RUNS_DIR"), "")
        version = "v1" if both is None else "v2"
        self.how = (
            "memory: "
            + (f"cgroup {version}" if memory is not None else "PSS of all processes, 5 times a second")
            + "; processor: "
            + ("one core" if cpu is None else f"cgroup {version}, {self.cores:g} cores")
        )
        threading.Thread(target=self._watch, args=(memory,), daemon=True).start()
        return self.process

    def stop(self) -> None:
        """End everything, and the groups."""
        self._done.set()
        self._kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        for folder in self._folders:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.1)

    def now(self) -> int:
        """Bytes that all take now."""
        return sum(size for _, size in self._sizes())

    # --- groups ---------------------------------------------------------------------------------------------

    def _v2_group(self) -> Path | None:
        """A group that holds memory and processor."""
        folder = _GROUPS / f"fer-{uuid.uuid4().hex[:8]}"
        try:
            if not {"memory", "cpu"} <= set((_GROUPS / "cgroup.subtree_control").read_text().split()):
                return None
            folder.mkdir()
            self._folders.append(folder)
            (folder / "memory.max").write_text(str(self.megabytes * 1_000_000))
            with contextlib.suppress(OSError):
                (folder / "memory.swap.max").write_text("0")
            (folder / "cpu.max").write_text(f"{int(self.cores * _PERIOD)} {_PERIOD}")
            return folder
        except OSError:
            return None

    def _v1_group(self, controller: str, settings: Mapping[str, int]) -> Path | None:
        """A group below the one that this process is in."""
        try:
            lines = (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines())
            own = next(path for _, controllers, path in lines if controller in controllers.split(","))
            folder = _GROUPS / controller / own.lstrip("/") / f"fer-{uuid.uuid4().hex[:8]}"
            folder.mkdir()
            self._folders.append(folder)
            for name, value in settings.items():
                (folder / name).write_text(str(value))
            return folder
        except (OSError, StopIteration):
            return None

    # --- looking --------------------------------------------------------------------------------------------

    def _family(self) -> list[psutil.Process]:
        """The program, and all whose environment has its folder of runs: those that outlived it too."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid == self.process.pid or (
                    self._mark and process.environ().get("FER_RUNS_DIR") == self._mark
                ):
                    found.append(process)
        return [process for process in found if process.pid != os.getpid()]

    def _sizes(self) -> list[tuple[str, int]]:
        sizes = []
        for process in self._family():
            with contextlib.suppress(psutil.Error, OSError):
                sizes.append((_kind(process.cmdline()), process.memory_full_info().pss))
        return sizes

    def _watch(self, group: Path | None) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            sizes = self._sizes()
            for kind, size in sizes:
                self.peaks[kind] = max(self.peaks.get(kind, 0), size)
            if group is None:
                total = sum(size for _, size in sizes)
            else:  # the names of v2, and of v1
                total = group_figure(group / "memory.stat", "anon") or group_figure(
                    group / "memory.stat", "total_rss"
                )
            self.peak = max(self.peak, total)
            if group is not None:
                if ended := group_figure(group / "memory.events", "oom_kill") or group_figure(
                    group / "memory.oom_control", "oom_kill"
                ):
                    self.killed = f"the system ended {ended} processes for their memory"
            elif total > self.megabytes * 1_000_000 and not self.killed:
                parts = ", ".join(f"{kind} {size / 1e6:.0f} MB" for kind, size in sizes)
                self.killed = f"{total / 1e6:.0f} MB of {self.megabytes}: {parts}"
                self._kill()

    def _kill(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


def _kind(command: Sequence[str]) -> str:
    """What a process is, in a word."""
    words = " ".join(command)
    for sign, kind in (
        ("streamlit run", "app"),
        ("fer_core train", "training"),
        ("fer_core sweep", "sweep"),
        ("fer_core queue", "queue"),
        ("fer_core speed", "measurement"),
        ("fer_core export", "export"),
        ("grad_cam_worker", "grad-cam"),
    ):
        if sign in words:
            return kind
    return "other"
