"""Workers of a Ray cluster, or of a Ray started on this machine; the parts go through Ray Data."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, fields
from typing import Any

from ..errors import ConfigError, FerError, reason
from ..native_output import silenced
from ..resources import subprocess_environment
from .job import Job, Part
from .part_folder import PartResult
from .scorer import Scorer, score_part

# At most; Ray gives a worker one block at a time, which has several parts if there are more.
_BLOCKS = 2_000


class _Actor:
    """Ray worker, which loads the model once."""

    def __init__(self, job: Job) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._scorer: Scorer | None = None
        self._job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            if self._scorer is None:  # here rather than in __init__, so that an error can be reported
                self._scorer = Scorer(self._job)
            part = Part(row["index"], row["start"], row["stop"], tuple(row["names"]))
            return asdict(score_part(self._scorer, part)) | {"failed": ""}
        except FerError as error:
            return dict.fromkeys((f.name for f in fields(PartResult)), 0) | {"failed": str(error)}


def run_ray(job: Job, parts: Iterable[Part], workers: int | None) -> Iterator[PartResult]:
    """Score all parts and yield the results as they arrive.

    Ray replaces a killed worker and repeats its unfinished work.

    Args:
        workers: Number of processes with one core each; None uses all cores of the cluster.

    Raises:
        FerError: A part cannot be scored.
    """
    import ray
    import ray.data

    listed = [asdict(part) | {"names": list(part.names)} for part in parts]
    workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    rows = ray.data.from_items(listed, override_num_blocks=min(len(listed), _BLOCKS))
    pool = ray.data.ActorPoolStrategy(size=min(workers, len(listed)))
    results = rows.map(_Actor, fn_constructor_args=(job,), compute=pool, num_cpus=1)  # type: ignore[arg-type]  # it takes classes too
    for row in results.iter_rows():
        if failed := row.pop("failed"):
            raise FerError(failed)
        yield PartResult(**row)


@contextmanager
def connected(address: str, workers: int | None) -> Iterator[None]:
    """Connect this process to Ray for the duration of the context.

    Args:
        address: "local" starts Ray on this machine; otherwise the address of a cluster, such as auto,
            HOST:6379 or ray://HOST:10001.

    Raises:
        ConfigError: Ray is not installed, or there is no answer at the address.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing leaves the machine
    # Ray's future default; without it Ray prints a notice.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's warning about an actor's arguments concerns drivers that end before their actors; this one does
    # not.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError:
        raise ConfigError(
            "--ray needs the package ray: pip install -r requirements-scale.txt; without --ray the "
            "processes of this machine do the same."
        ) from None
    environment = {
        name: os.environ[name] for name in ("FER_EXPLORER_CACHE", "FER_MODELS_DIR") if name in os.environ
    }
    # Every machine has the project at this path, like the source, the model and the folder.
    settings: dict[str, Any] = {
        "runtime_env": {
            "env_vars": environment | {"PYTHONPATH": subprocess_environment().get("PYTHONPATH", "")}
        },
        "log_to_driver": False,
    }
    if address == "local":
        settings |= {"address": "local", "num_cpus": workers or os.cpu_count(), "include_dashboard": False}
    else:
        settings["address"] = address
    try:
        with silenced(1), silenced(2):  # its C++ part announces its log level
            ray.init(logging_level=logging.ERROR, **settings)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, AssertionError) as error:
        raise ConfigError(
            f"No Ray cluster answers at {address!r} ({reason(error)}): start one with ray start --head, or "
            "take --ray local."
        ) from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    # Ray prints which workers it replaced until its end, and scripts expect JSON.
    with redirect_stdout(sys.stderr):
        try:
            yield
        finally:
            ray.shutdown()
