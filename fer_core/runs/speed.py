"""Training speed of this machine: measurements, and estimates of the time of an epoch."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .. import storage
from ..config import RunConfig
from ..errors import FerError
from ..machine import fast_precision
from ..zoo.families import as_blocks
from ..zoo.summary import summary

_MAX_ROWS = 200
_SECONDS = 3.0
# Validation only runs forward, which is about a third of the work.
_FORWARD = 1 / 3


@dataclass(frozen=True)
class Estimate:
    """Seconds for an epoch, validation included."""

    seconds: float
    images_per_second: float  # of training
    # measured with this very network and batch; else scaled by the multiply-adds of the nearest that was
    # measured
    exact: bool


def multiply_adds(config: RunConfig) -> int:
    """Return the multiply-adds of one image through the network of `config`.

    Raises:
        ConfigError: The settings describe no network.
    """
    return summary(as_blocks(config.model)).multiply_adds


def estimate(config: RunConfig, train_images: int, validation_images: int) -> Estimate | None:
    """Estimate the time of an epoch; None before anything was measured on this machine."""
    rows, work = _read(), multiply_adds(config)
    if not rows:
        return None
    key = _key(config)
    exact = [row for row in rows if row["key"] == key]
    if exact:
        rate = statistics.median(row["images_per_second"] for row in exact[-3:])
    else:
        alike = [row for row in rows if row["precision"] == _precision(config)] or rows
        nearest = min(
            alike, key=lambda row: max(row["multiply_adds"], work) / max(1, min(row["multiply_adds"], work))
        )
        rate = nearest["images_per_second"] * nearest["multiply_adds"] / max(1, work)
    return Estimate((train_images + _FORWARD * validation_images) / rate, rate, bool(exact))


def measure(config: RunConfig) -> float:
    """Measure how many images a second train, for some seconds on random images in this process, and record
    it.

    Raises:
        FerError: The network cannot be built.
    """
    import keras
    import numpy as np

    from ..emotions import NAMES
    from ..training.batches import EpochBatches, prefetch
    from ..training.losses import make_losses
    from ..training.network import build_network
    from ..training.optimizer import make_optimizer
    from ..training.targets import Targets

    count = config.train.batch_size * 4
    rng = np.random.default_rng(0)
    labels = np.arange(count) % len(NAMES)
    shares = np.eye(len(NAMES), dtype=np.float32)[labels]
    votes = (shares, np.ones(count, np.float32)) if config.train.votes_weight else (None, None)
    images = rng.integers(0, 256, (count, 48, 48)).astype(np.uint8)
    keras.mixed_precision.set_global_policy(_precision(config))
    model = build_network(config)
    model.compile(make_optimizer(config.train), make_losses(config.train))
    times: list[float] = []
    begun = time.monotonic()
    while len(times) < 5 or (time.monotonic() - begun < _SECONDS and len(times) < 400):
        for batch in prefetch(
            EpochBatches(images, Targets(labels, None, *votes), config, len(NAMES), len(times))
        ):
            start = time.monotonic()
            model.train_on_batch(*batch)
            times.append(time.monotonic() - start)
            if len(times) == 2:  # the first ones build the graph
                begun = time.monotonic()
    rate = config.train.batch_size / statistics.median(times[2:])
    record(config, rate)
    return rate


def record(config: RunConfig, images_per_second: float) -> None:
    """Record how fast `config` trained on this machine."""
    try:
        row = {
            "key": _key(config),
            "multiply_adds": multiply_adds(config),
            "precision": _precision(config),
            "images_per_second": images_per_second,
        }
        _file().parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{_file()}.lock", timeout=2):
            storage.write_atomically(_file(), json.dumps([*_read(), row][-_MAX_ROWS:]).encode())
    except (OSError, Timeout, FerError):  # a full disk costs the next estimate, nothing else
        pass


def _file() -> Path:
    return storage.cache_folder("speed") / "training.json"


def _read() -> list[dict]:
    try:
        rows = json.loads(_file().read_text(encoding="utf-8"))
        return [
            row
            for row in rows
            if row["images_per_second"] > 0 and row["multiply_adds"] > 0 and row["key"] and row["precision"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _key(config: RunConfig) -> str:
    """Return a key of the settings that determine the speed."""
    two = bool(config.train.votes_weight)
    return json.dumps(
        [
            config.model.model_dump(),
            config.train.batch_size,
            _precision(config),
            two,
            config.augment.active,
            config.train.freeze_until,
        ],
        sort_keys=True,
    )


def _precision(config: RunConfig) -> str:
    return fast_precision() if config.train.precision == "auto" else config.train.precision
