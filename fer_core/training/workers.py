"""The workers that train one run together: each works on its share of every batch, and the gradients are averaged between them.

Keras' DataParallel on the JAX backend, with JAX's own processes (on CPUs over Gloo). Its results are those of one worker up to the
rounding of sums: batch normalisation, dropout and the loss see the whole batch. TensorFlow's strategies for several processes do not know
Keras 3.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import ConfigError, TrainingError
from ..native_output import silenced


class Crew:
    """One worker alone: everything is as without a crew."""

    size, rank = 1, 0

    def agree(self, *values: float) -> Sequence[float]:
        """What the first worker says, to all: decisions that hang on files or clocks would part the workers otherwise."""
        return values

    def share(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        """This worker's part of a batch."""
        return batch

    def shared(self, count: int) -> int:
        """How many images of a batch of `count` are worked on."""
        return count

    def judge(self, model: Any, build: Callable[[], Any]) -> Any:
        """The network that validates."""
        return model

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """What is computed inside, this worker computes by itself."""
        yield

    def check(self, batch_size: int) -> None:
        """Raises TrainingError where batches of this size cannot be shared."""
        self.check_batch(batch_size, self.size)

    @staticmethod
    def check_batch(batch_size: int, workers: int) -> None:
        """The same before there are any workers."""
        if batch_size % workers:
            raise TrainingError(
                f"Batches of {batch_size} cannot be shared by {workers} workers: choose a --batch-size that {workers} divides."
            )


SOLO = Crew()


class JaxCrew(Crew):
    """Worker `rank` of `size` that meet at `address`. Made before Keras is imported.

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
        with silenced(1):  # Gloo says there that it has met the others
            self.agree(0)
        from keras import distribution

        # Batches are shared out here, all of them from the same random numbers, and not by Keras.
        self._distribution = distribution.DataParallel(
            devices=distribution.list_devices(), auto_shard_dataset=False
        )
        distribution.set_distribution(self._distribution)

    def agree(self, *values: float) -> Sequence[float]:
        import numpy as np
        from jax.experimental import multihost_utils

        return [float(value) for value in multihost_utils.broadcast_one_to_all(np.array(values, np.float32))]

    def share(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        def part(values: Any) -> Any:
            if isinstance(values, dict):
                return {key: part(value) for key, value in values.items()}
            each = len(values) // self.size
            return values[self.rank * each : (self.rank + 1) * each]

        return tuple(part(values) for values in batch)

    def shared(self, count: int) -> int:
        return count - count % self.size

    def judge(self, model: Any, build: Callable[[], Any]) -> Any:
        with self.alone():
            return build()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        from keras import distribution

        distribution.set_distribution(None)
        try:
            yield
        finally:
            distribution.set_distribution(self._distribution)


def check_installed() -> None:
    """Raises ConfigError where there is no JAX."""
    if importlib.util.find_spec("jax") is None:
        raise ConfigError(
            "Training with several workers needs JAX: pip install -r requirements-scale.txt, or leave --workers out."
        )


def _has_gpu() -> bool:
    return os.path.exists("/dev/nvidia0") and os.environ.get("JAX_PLATFORMS") != "cpu"
