"""What a small host needs: the app, hosted, under a limit of memory and processor.

    python benchmarks/hosting.py [--memory MB] [--cores X] [--sessions N] [--reruns N]
    python benchmarks/hosting.py --every 5 --cores 2 --memory 4000     # a class, each clicking every 5 s

Prints how long it takes from the start of the process to the first usable page; what each page and each
further session takes; how long a click takes for one visitor and for many who click at once, and whether any
of it was lost; what is taken after many reruns; and the peak with a training run beside, with and without the
settings that spare memory. Sessions speak Streamlit's protocol without a browser (streamlit_client.py), so
the browser's own work is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.limited import Limited
from benchmarks.streamlit_client import Visitor

PAGES = ("", "dataset", "evaluate", "models", "predict", "train")
# What is chosen, and a sentence that then stands on the page: so that an answer meant for another session
# would be seen.
VIEWS = {"Overview": "Class balance", "Gallery": "Sort by", "Verdicts": "No verdict yet"}


class Host:
    """The app on a free port, with folders of its own, under a limit."""

    def __init__(self, folder: Path, megabytes: int, cores: float, **settings: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder, self.url, self.limited = folder, f"http://localhost:{port}", Limited(megabytes, cores)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("FER_", "STREAMLIT_"))
        }
        environment |= {
            "FER_HOSTED": "1",
            "FER_HOSTED_MEMORY_MB": str(megabytes),
            "FER_RUNS_DIR": str(folder / "runs"),
            "FER_DATA_DIR": str(folder / "data"),
            "FER_EXPLORER_CACHE": str(folder / "cache"),
            "FER_EXPLORER_HOME": str(folder / "home"),
        } | {name: str(value) for name, value in settings.items()}
        self.log = open(folder / "server.log", "wb")  # noqa: SIM115
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "streamlit_app.py",
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            "--server.fileWatcherType",
            "none",
        ]
        self.begun = time.perf_counter()
        self.limited.start(command, environment, ROOT, self.log)
        for _ in range(1200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5)
                return
            time.sleep(0.05)
        raise RuntimeError("the app did not start: " + (folder / "server.log").read_text(errors="replace"))

    def stop(self) -> None:
        self.limited.stop()
        self.log.close()

    def megabytes(self) -> float:
        return self.limited.now() / 1e6


@contextlib.contextmanager
def hosted(megabytes: int, cores: float, **settings: object) -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="fer-hosting-") as folder:
        host = Host(Path(folder), megabytes, cores, **settings)
        try:
            yield host
        finally:
            host.stop()


async def pages(host: Host) -> None:
    async with Visitor(host.url) as visitor:
        await visitor.open()
        print(
            f"from the start of the process to the first usable page: {time.perf_counter() - host.begun:.1f} "
            f"s, {host.megabytes():.0f} MB"
        )
        before = host.megabytes()
        for page in PAGES:
            first = await visitor.open(page)
            again = statistics.median([await visitor.again() for _ in range(5)])
            now = host.megabytes()
            print(
                f"  /{page:9} first {first:6.2f} s, then {again:5.2f} s; {now:.0f} MB ({now - before:+.0f})",
                visitor.errors() or "",
            )
            before = now


async def sessions(host: Host, count: int) -> None:
    """Further sessions that stay, and then all of them clicking at once."""
    before = host.megabytes()
    visitors = [Visitor(host.url) for _ in range(count)]
    for visitor in visitors:
        await visitor.__aenter__()
        await visitor.open("dataset")
    print(
        f"a further session on the Dataset page: {(host.megabytes() - before) / count:.2f} MB (mean of "
        f"{count})"
    )

    async def clicks(visitor: Visitor, seed: int, turns: int = 6) -> tuple[list[float], int]:
        times, wrong, now = [], 0, "Overview"
        draw = random.Random(seed)
        for _ in range(turns):
            now = draw.choice([view for view in VIEWS if view != now])
            times.append(await visitor.choose("View", now))
            wrong += VIEWS[now] not in visitor.text()
        return times, wrong

    alone, _ = await clicks(visitors[0], 0, 20)
    done = await asyncio.gather(*(clicks(visitor, i) for i, visitor in enumerate(visitors)))
    times = sorted(t for part, _ in done for t in part)
    lost = sum(visitor.lost for visitor in visitors) + sum(wrong for _, wrong in done)
    median, late = statistics.median(times), times[int(0.95 * len(times))]
    print(f"a click of one visitor alone: median {1000 * statistics.median(alone):.0f} ms")
    print(
        f"{count} sessions clicking at once, {len(times)} reruns: median {1000 * median:.0f} ms, "
        f"95th percentile {1000 * late:.0f} ms "
        f"({median / statistics.median(alone):.1f} and {late / statistics.median(alone):.1f} times one "
        f"alone), lost or wrong: {lost}"
    )
    for visitor in visitors:
        await visitor.__aexit__()


async def paced(host: Host, count: int, every: float, seconds: float) -> None:
    """Visitors who each click once in so many seconds, on the Dataset page."""
    visitors = [Visitor(host.url) for _ in range(count)]
    for visitor in visitors:
        await visitor.__aenter__()
        await visitor.open("dataset")
    before, begun = host.megabytes(), time.perf_counter()

    async def clicks(visitor: Visitor, seed: int) -> tuple[list[float], int]:
        draw, now, times, wrong = random.Random(seed), "Overview", [], 0
        due = begun + draw.uniform(0, every)
        while due < begun + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            now = draw.choice([view for view in VIEWS if view != now])
            times.append(await visitor.choose("View", now))
            wrong += VIEWS[now] not in visitor.text()
            due += every
        return times, wrong

    done = await asyncio.gather(*(clicks(visitor, i) for i, visitor in enumerate(visitors)))
    times = sorted(t for part, _ in done for t in part)
    lost = sum(visitor.lost for visitor in visitors) + sum(wrong for _, wrong in done)
    print(
        f"{count} visitors, each clicking every {every:g} s for {seconds:g} s, {len(times)} clicks: median "
        f"{statistics.median(times):.2f} s, 95th percentile {times[int(0.95 * len(times))]:.2f} s, lost or "
        f"wrong: {lost}; memory {host.megabytes() - before:+.0f} MB"
    )
    for visitor in visitors:
        await visitor.__aexit__()


async def reruns(host: Host, count: int) -> None:
    async with Visitor(host.url) as visitor:
        await visitor.open("dataset")
        views = list(VIEWS)
        for i in range(100):
            await visitor.choose("View", views[i % 3])
        before = host.megabytes()
        for i in range(count):
            await visitor.choose("View", views[(i + 1) % 3])
        after = host.megabytes()
        print(
            f"after {count:,} further reruns: {after:.0f} MB, {after - before:+.1f} MB, lost {visitor.lost}"
        )


async def training(host: Host) -> str:
    """A run of the quick preset to its end. Its state, or why it was killed."""
    async with Visitor(host.url) as visitor:
        await visitor.open("train")
        await visitor.click("Start training")
        while True:
            await asyncio.sleep(2)
            await visitor.open("predict", "predict_way=Sample")
            found = [path.read_text() for path in host.folder.glob("runs/visitors/*/runs/*/status.json")]
            state = next(
                (s for s in ("finished", "failed", "stopped") if found and f'"state": "{s}"' in found[0]), ""
            )
            if state or host.limited.killed:
                return host.limited.killed or state


def sparing() -> None:
    """What the settings for memory bring: the peak of a short training with and without them, without any
    limit."""
    from fer_core.hosting.memory import SPARING

    peaks = {}
    for name, settings in (("without", {}), ("with", SPARING)):
        with tempfile.TemporaryDirectory(prefix="fer-hosting-") as folder:
            command = [
                sys.executable,
                "-m",
                "fer_core",
                "train",
                "--data",
                "synthetic:2000",
                "--preset",
                "quick",
                "--epochs",
                "3",
                "--run-dir",
                f"{folder}/run",
            ]
            environment = {key: value for key, value in os.environ.items() if key not in SPARING} | settings
            limited = Limited(100_000, 100.0)
            with open(os.devnull, "wb") as log:
                limited.start(command, environment | {"FER_RUNS_DIR": folder}, ROOT, log).wait()
            limited.stop()
            peaks[name] = limited.peak / 1e6
    print(
        f"peak of a training: {peaks['without']:.0f} MB as it is, {peaks['with']:.0f} MB with {SPARING} "
        f"({peaks['with'] / peaks['without']:.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memory", type=int, default=1000, help="MB for the app and what it starts")
    parser.add_argument("--cores", type=float, default=0.5)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--reruns", type=int, default=1000)
    parser.add_argument("--every", type=float, help="seconds between the clicks of a visitor; only this")
    parser.add_argument("--seconds", type=float, default=60, help="how long visitors click every so often")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with hosted(options.memory, options.cores) as host:
        print(
            f"{options.memory} MB, {options.cores:g} cores ({host.limited.how}); load of the machine at the "
            f"start {load:.1f}"
        )
        asyncio.run(pages(host))
        if options.every:
            asyncio.run(paced(host, options.sessions, options.every, options.seconds))
            return
        asyncio.run(sessions(host, options.sessions))
        asyncio.run(reruns(host, options.reruns))
        state = asyncio.run(training(host))
        peaks = ", ".join(f"{kind} {size / 1e6:.0f} MB" for kind, size in host.limited.peaks.items())
        print(
            f"a training run beside a visitor on Predict: {state}; peak of all {host.limited.peak / 1e6:.0f} "
            f"MB ({peaks}); killed: {host.limited.killed or 'nothing'}"
        )
    sparing()
    print(
        f"load at the end {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}, "
        f"Streamlit {version('streamlit')}, TensorFlow {version('tensorflow-cpu')}"
    )


def version(package: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import importlib.metadata as m; print(m.version({package!r}))"],
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or "?"


if __name__ == "__main__":
    main()
