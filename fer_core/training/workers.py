"""Workers that train one run together, each on its shard of every batch, with averaged gradients.

They use Keras' DataParallel on the JAX backend, with JAX's own processes (on CPUs over Gloo). The results are
those of one worker up to the rounding of sums: batch normalisation, dropout and the loss see the whole batch.
TensorFlow's strategies for several processes do not support Keras 3.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import ConfigError, TrainingError
from ..native_output import silenced


class Workers:
    """One worker, which trains by itself."""

    size, rank = 1, 0

    def broadcast(self, *values: float) -> Sequence[float]:
        """Return the values of the first worker, since workers that decide by files or clocks could
        differ."""
        return values

    def shard(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return this worker's part of a batch."""
        return batch

    def divisible(self, count: int) -> int:
        """Return how many images of a batch of `count` the workers use: the largest multiple of their
        number."""
        return count

    def validation_model(self, model: Any, build: Callable[[], Any]) -> Any:
        """Return the model that validates: the one in training, or an own one from `build`."""
        return model

    @contextlib.contextmanager
    def local(self) -> Iterator[None]:
        """Compute what is in the block on this worker alone."""
        yield

    @staticmethod
    def check_batch_size(batch_size: int, workers: int) -> None:
        """Raise TrainingError if batches of this size cannot be divided among `workers`."""
        if batch_size % workers:
            raise TrainingError(
                f"Batches of {batch_size} cannot be shared by {workers} workers: choose a --batch-size that "
                f"{workers} divides."
            )


ONE_WORKER = Workers()


class JaxWorkers(Workers):
    """Worker `rank` of `size`, which meet at `address`. Create it before Keras is imported.

    Raises:
        ConfigError: JAX is not installed.
    """

    def __init__(self, size: int, rank: int, address: str) -> None:
        check_installed()
        os.environ["KERAS_BACKEND"] = "jax"
        import jax

        self.size, self.rank = size, rank
        if not _has_gpu():
            jax.config.update("jax_platforms", "cpu")
            jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(address, size, rank)
        with silenced(1):  # Gloo prints there that it is connected
            self.broadcast(0)
        from keras import distribution

        # Every worker makes the same batches from the same random numbers and takes its shard: Keras must not
        # divide them.
        self._distribution = distribution.DataParallel(
            devices=distribution.list_devices(), auto_shard_dataset=False
        )
        distribution.set_distribution(self._distribution)

    def broadcast(self, *values: float) -> Sequence[float]:
        import numpy as np
        from jax.experimental import multihost_utils

        return [float(value) for value in multihost_utils.broadcast_one_to_all(np.array(values, np.float32))]

    def shard(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        def part(values: Any) -> Any:
            if isinstance(values, dict):
                return {key: part(value) for key, value in values.items()}
            each = len(values) // self.size
            return values[self.rank * each : (self.rank + 1) * each]

        return tuple(part(values) for values in batch)

    def divisible(self, count: int) -> int:
        return count - count % self.size

    def validation_model(self, model: Any, build: Callable[[], Any]) -> Any:
        with self.local():
            return build()

    @contextlib.contextmanager
    def local(self) -> Iterator[None]:
        from keras import distribution

        distribution.set_distribution(None)
        try:
            yield
        finally:
            distribution.set_distribution(self._distribution)


def check_installed() -> None:
    """Raise ConfigError if JAX is not installed."""
    if importlib.util.find_spec("jax") is None:
        raise ConfigError(
            "Training with several workers needs JAX: pip install -r requirements-scale.txt, "
            "or leave --workers out."
        )


def _has_gpu() -> bool:
    return os.path.exists("/dev/nvidia0") and os.environ.get("JAX_PLATFORMS") != "cpu"
