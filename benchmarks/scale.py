"""What `score` gives with two workers over one, locally and through Ray, beside the bare classifier in the
same run; and what a row takes.

    python benchmarks/scale.py [--faces N] [--rounds N] [--model NAME] [--photos FOLDER] [--no-ray]
    python benchmarks/scale.py --train PRESET

Rounds alternate and the best of each way counts. `steady` leaves out the start of the workers (imports,
loading the model): it counts from the first part that is done. With other work on the machine two workers
cannot give twice of one: the share of two cores that the same run really had is told by two bare classifiers
side by side. What a CPU second brings hardly depends on others. Linux shares the processor out by sessions
first, and Ray's workers have sessions of their own: on a busy machine they get more of it than the local
pool.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

SECONDS = 4.0  # of a bare classifier


def bare(model: str) -> float:
    """Faces a second of the classifier alone on one thread, mean over some seconds."""
    from fer_core.bundles.bundle import find_bundle
    from fer_core.inference import Classifier

    classifier = Classifier(find_bundle(model))
    images = np.random.default_rng(0).integers(0, 256, (64, 48, 48), np.uint8)
    classifier.probabilities(images)
    done, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < SECONDS:
        classifier.probabilities(images)
        done += len(images)
    return done / (now - start)


def scored(
    source: str, out: str, model: str, workers: int, ray: str | None, part_size: int
) -> dict[str, float]:
    from fer_core.scale import score

    before = cpu_seconds()
    summary = score(source, out, model, workers=workers, ray=ray, part_size=part_size)
    cpu = cpu_seconds() - before
    # By the files, and not by what is reported: Ray gives its results in bursts.
    times = sorted(path.stat().st_mtime for path in Path(out).glob("part-*.parquet"))
    steady = (summary.items - part_size) / (times[-1] - times[0])
    again = time.perf_counter()
    score(source, out, model, workers=workers, part_size=part_size)
    return {
        "whole": summary.items / summary.seconds,
        "steady": steady,
        "bytes": summary.bytes / summary.rows,
        "rows": summary.rows,
        "cpu": 0.0 if ray else summary.items / cpu,
        "again": time.perf_counter() - again,
        "parts": summary.parts,
    }


def cpu_seconds() -> float:
    """Of this process and of the workers that it has waited for."""
    return sum(
        u.ru_utime + u.ru_stime
        for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def apart(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, "--one", json.dumps(arguments)], stdout=subprocess.PIPE, text=True
    )


def result(process: subprocess.Popen[str]):
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measurement failed with status {process.returncode}")
    return json.loads(out.splitlines()[-1])


def compare(source: Path, options: argparse.Namespace, part_size: int, unit: str, folder: Path) -> None:
    ways: list[tuple[str, int, str | None]] = [("local", 1, None), ("local", 2, None)]
    if not options.no_ray:
        ways += [("ray", 1, "local"), ("ray", 2, "local")]
    best: dict[tuple[str, int], dict[str, float]] = {}
    alone, together = 0.0, 0.0
    for number in range(options.rounds):
        if unit == "faces":
            alone = max(alone, result(apart("bare", options.model)))
            together = max(together, sum(map(result, [apart("bare", options.model) for _ in range(2)])))
        for name, workers, ray in ways:
            out = folder / f"{unit}-{name}-{workers}-{number}"
            summary = result(apart("scored", str(source), str(out), options.model, workers, ray, part_size))
            if summary["steady"] > best.get((name, workers), {"steady": 0})["steady"]:
                best[name, workers] = summary
    one = best["local", 1]
    given = together / alone if alone else 0.0
    print(
        f"\n{unit}: {one['rows']:,.0f} rows of {options.model}, load average {os.getloadavg()[0]:.1f} at the "
        "end"
    )
    if alone:
        print(f"{'bare classifier, 1 process':30}{alone:10,.0f}/s")
        print(
            f"{'bare classifier, 2 processes':30}{together:10,.0f}/s{given:8.2f} of 1: what the machine gave"
        )
    for (name, workers), summary in best.items():
        base = best[name, 1]["steady"]
        bare_share = f"{summary['steady'] / alone:8.2f} of the bare classifier" if alone else ""
        print(
            f"{f'{name}, {workers} worker(s)':30}{summary['steady']:10,.0f}/s steady"
            f"{summary['whole']:10,.0f}/s whole"
            f"{summary['steady'] / base:8.2f} of 1{bare_share}"
            + (f"{summary['cpu']:10,.0f} a CPU second, start included" if summary["cpu"] else "")
        )
    print(
        f"{one['bytes']:.1f} bytes a row; a second start with all {one['parts']:.0f} parts there took "
        f"{one['again']:.1f} s"
    )


def trained(workers: int, preset: str, folder: Path) -> float:
    """Images a second of a run's last epoch under JAX, each worker on a core of its own."""
    from fer_core.presets import find_preset
    from fer_core.runs.run_folder import RunFolder

    config = find_preset(preset).config.override("data", source="synthetic:2800", drop=())
    run = RunFolder(folder / f"run-{workers}-{time.monotonic_ns()}")
    run.create(
        config.replace(
            "train",
            epochs=3,
            batch_size=64,
            precision="float32",
            votes_weight=0.0,
            output="labels",
            teacher=None,
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path)]
    command += ["--workers", str(workers), "--coordinator", address] if workers > 1 else []
    cores = sorted(os.sched_getaffinity(0))
    processes = []
    for rank in range(workers):
        os.sched_setaffinity(0, {cores[rank % len(cores)]})  # the process that is started inherits it
        more = ["--rank", str(rank)] if workers > 1 else []
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        processes.append(
            subprocess.Popen(
                [*command, *more],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    os.sched_setaffinity(0, cores)
    if any([process.wait() for process in processes]):
        raise SystemExit("training failed: is JAX installed?")
    return run.history()[-1]["images_per_second"]


def compare_training(options: argparse.Namespace, folder: Path) -> None:
    best = {1: 0.0, 2: 0.0}
    for _ in range(options.rounds):
        for workers in best:
            best[workers] = max(best[workers], trained(workers, options.train, folder))
    print(f"\ntraining {options.train}, one core a worker, load average {os.getloadavg()[0]:.1f} at the end")
    for workers, rate in best.items():
        print(f"{f'{workers} worker(s)':30}{rate:10,.0f} images/s{rate / best[1]:8.2f} of 1")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=16_384)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--photos", type=Path, help="a folder of photos to score too")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument(
        "--train", metavar="PRESET", help="train with one and two workers instead (needs JAX)"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, *arguments = json.loads(options.one)
        one: Callable[..., Any] = bare if what == "bare" else scored
        return print(json.dumps(one(*arguments)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["FER_EXPLORER_CACHE"] = str(folder / "cache")
        if options.train:
            return compare_training(options, folder)
        rng = np.random.default_rng(0)
        source = folder / "noise.npz"
        np.savez(
            source,
            images=rng.integers(0, 256, (options.faces, 48, 48), np.uint8),
            labels=np.arange(options.faces) % 7,
        )
        compare(source, options, 512, "faces", folder)
        if options.photos:
            compare(options.photos, options, 16, "photos", folder)


if __name__ == "__main__":
    main()
