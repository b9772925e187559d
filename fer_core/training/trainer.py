"""The training loop: one call of `model.fit` an epoch, then validate, keep the best, write a checkpoint.

An epoch at a time makes a run exact to resume: all random numbers come from (seed, epoch), the learning rate from the epoch,
and the rest (weights, optimizer, average, best) stands in the checkpoint.
"""

from __future__ import annotations

import contextlib
import io
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras  # before pandas and pyarrow: on macOS TensorFlow can hang when they come first
import numpy as np

from .. import zoo
from ..config import RunConfig, TrainConfig
from ..data import open_dataset
from ..data.dataset import Dataset
from ..emotions import NAMES
from ..errors import TrainingError
from ..storage import write_atomically
from .batches import EpochBatches
from .bundling import write_bundle
from .event_log import EventLog
from .run_folder import RunFolder

_PROGRESS_SECONDS = 0.5


class StopRequested(Exception):
    """Raised inside an epoch when the run is asked to stop."""


@dataclass
class TrainState:
    """What a checkpoint holds."""

    epoch: int = 0  # finished epochs
    best_accuracy: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    average: list[np.ndarray] | None = None  # sum of weighted weights, see _update_average
    average_weight: float = 0.0
    best: list[np.ndarray] | None = None


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """The learning rate of `epoch` (from 0): a linear warm-up, then constant or half a cosine (arXiv:1608.03983)."""
    if epoch < config.warmup_epochs:
        return config.learning_rate * (epoch + 1) / (config.warmup_epochs + 1)
    if config.schedule == "constant":
        return config.learning_rate
    done = (epoch - config.warmup_epochs) / max(1, config.epochs - config.warmup_epochs)
    return config.learning_rate * 0.5 * (1 + float(np.cos(np.pi * done)))


def train(run: RunFolder, on_progress: Callable[[dict[str, Any]], None] = lambda progress: None) -> str:
    """Train the run in `run` from its checkpoint, or from the start, to its end, and write its bundle.

    Args:
        run: a folder made by `RunFolder.create`, perhaps with the checkpoint of an interrupted run.
        on_progress: called after each batch with epoch, epochs, batch, batches, loss, accuracy, images_per_second.

    Returns:
        "finished", or "stopped" when it was asked to stop.

    Raises:
        FerError: the data or the settings do not fit, or another process trains in this folder.
    """
    lock = run.lock()
    try:
        lock.acquire(timeout=5)
    except TimeoutError:
        raise TrainingError(f"Another process is training in {run.path}: wait for it or stop it first.") from None
    except OSError as error:
        raise TrainingError(f"The run folder {run.path} cannot be written: {error.strerror}.") from None
    with lock:
        try:
            run.clear_stop()
            outcome = _Loop(run, on_progress).run()
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):
                run.write_status("stopped", "Interrupted from the keyboard.")
            raise
        except Exception as error:
            with contextlib.suppress(OSError):  # a full disk is what may have ended the run
                run.write_status("failed", f"{error}" if str(error) else type(error).__name__)
            raise
        return outcome


class _Loop:
    def __init__(self, run: RunFolder, on_progress: Callable[[dict[str, Any]], None]) -> None:
        self.on_progress = on_progress
        self.folder = run
        self.config: RunConfig = run.config()
        train_config = self.config.train
        run.write_status("running", "Reading the data.")
        self.dataset: Dataset = open_dataset(self.config.data.source)
        self.images, self.labels = self._split("train")
        self.val_images, self.val_labels = self._split("validation")
        run.write_status("running", fingerprint=self.dataset.fingerprint, train_images=len(self.images),
                         validation_images=len(self.val_images), epochs=train_config.epochs)  # fmt: skip
        keras.utils.set_random_seed(train_config.seed)
        keras.mixed_precision.set_global_policy(train_config.precision)
        self.model = zoo.build(self.config.model, num_classes=len(NAMES))
        self.optimizer = _optimizer(train_config)
        self.model.compile(self.optimizer, _loss(train_config), metrics=["accuracy"])
        self.optimizer.build(self.model.trainable_variables)
        self.state = TrainState()
        if run.checkpoint.exists():
            self._load_checkpoint()
        # Rows and events of epochs after the checkpoint belong to work that is done again.
        run.write_history(self.state.history)
        self.events = EventLog(run.tensorboard, self.state.epoch)
        if self.state.history:  # its events may have been lost between the checkpoint and the log
            self.events.epoch(self.state.history[-1])

    def _split(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.dataset.sample(split, self.config.data.limit, self.config.train.seed)
        return np.ascontiguousarray(self.dataset.images[chosen]), self.dataset.labels[chosen].astype(np.int64)

    def run(self) -> str:
        outcome = "finished"
        patience = self.config.train.early_stopping
        while self.state.epoch < self.config.train.epochs:
            if patience and self.state.epoch - self.state.best_epoch >= patience:
                break
            try:
                self._epoch()
            except StopRequested:
                outcome = "stopped"
                break
        self.events.close()
        if self.state.best is None:
            self.folder.write_status("stopped", "Stopped before the first epoch was finished.")
            return outcome
        self.folder.write_status("running", "Writing the model bundle.")
        self._write_bundle()
        self.folder.write_status(outcome, best_accuracy=self.state.best_accuracy, best_epoch=self.state.best_epoch,
                                 ended=time.time())  # fmt: skip
        return outcome

    def _epoch(self) -> None:
        epoch, train_config = self.state.epoch, self.config.train
        start = time.monotonic()
        self._reseed(epoch)
        rate = learning_rate(train_config, epoch)
        self.optimizer.learning_rate = rate
        batches = EpochBatches(self.images, self.labels, self.config, len(NAMES), epoch)
        progress = _BatchProgress(self.folder, self.on_progress, epoch, train_config, len(batches))
        logs = self.model.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[progress]).history
        if not np.isfinite(logs["loss"][0]):
            raise TrainingError(f"The loss became {logs['loss'][0]} in epoch {epoch + 1}: choose a smaller learning rate.")
        raw = self.model.get_weights()
        kept = self._update_average(raw)
        self.model.set_weights(kept)
        val_loss, val_accuracy = self._validate()
        self.model.set_weights(raw)
        better = val_accuracy > self.state.best_accuracy
        if better:
            self.state.best, self.state.best_accuracy, self.state.best_epoch = kept, val_accuracy, epoch + 1
        seconds = time.monotonic() - start
        row = {
            "epoch": epoch + 1, "loss": float(logs["loss"][0]), "accuracy": float(logs["accuracy"][0]),
            "val_loss": val_loss, "val_accuracy": val_accuracy, "learning_rate": rate, "seconds": seconds,
            "images_per_second": len(self.images) / seconds, "best": better,
        }  # fmt: skip
        self.state.history.append(row)
        self.state.epoch += 1
        self.state.seconds += seconds
        self._save_checkpoint()
        self.folder.write_history(self.state.history)
        self.events.epoch(row)
        self.on_progress(row | {"epochs": train_config.epochs, "finished_epoch": True})

    def _reseed(self, epoch: int) -> None:
        """Set the random state of dropout layers from (seed, epoch)."""
        keras.utils.set_random_seed(int(np.random.default_rng([self.config.train.seed, epoch, 2]).integers(2**31)))
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for i, variable in enumerate(states):
            rng = np.random.default_rng([self.config.train.seed, epoch, 3, i])
            variable.assign(rng.integers(0, 2**31, 2).astype(str(variable.dtype)))

    def _update_average(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """The moving average over epochs, without the bias to its start (as in Adam, arXiv:1412.6980)."""
        momentum = self.config.train.average
        if not momentum:
            return weights
        if self.state.average is None:
            self.state.average = [np.zeros_like(w) for w in weights]
        self.state.average = [momentum * a + (1 - momentum) * w for a, w in zip(self.state.average, weights, strict=True)]
        self.state.average_weight = momentum * self.state.average_weight + (1 - momentum)
        return [(a / self.state.average_weight).astype(w.dtype) for a, w in zip(self.state.average, weights, strict=True)]

    def _validate(self) -> tuple[float, float]:
        """Cross-entropy (nats) and accuracy on the validation images."""
        probabilities = self.model.predict(self.val_images[..., None].astype(np.float32), batch_size=512, verbose=0)
        true = probabilities[np.arange(len(self.val_labels)), self.val_labels]
        loss = float(-np.log(np.maximum(true, 1e-7)).mean())
        return loss, float((probabilities.argmax(1) == self.val_labels).mean())

    # --- checkpoint --------------------------------------------------------------------------------------------------

    def _save_checkpoint(self) -> None:
        state = self.state
        scalars = {
            "epoch": state.epoch, "best_accuracy": state.best_accuracy, "best_epoch": state.best_epoch,
            "seconds": state.seconds, "history": state.history, "average_weight": state.average_weight,
            "fingerprint": self.dataset.fingerprint,
        }  # fmt: skip
        arrays: dict[str, np.ndarray] = {"state": np.frombuffer(json.dumps(scalars).encode(), np.uint8)}
        groups = {
            "weights": self.model.get_weights(),
            "optimizer": [keras.ops.convert_to_numpy(v) for v in self.optimizer.variables],
            "average": state.average or [],
            "best": state.best or [],
        }
        for group, values in groups.items():
            arrays |= {f"{group}_{i}": value for i, value in enumerate(values)}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_atomically(self.folder.checkpoint, buffer.getvalue())

    def _load_checkpoint(self) -> None:
        try:
            with np.load(self.folder.checkpoint, allow_pickle=False) as file:
                arrays = dict(file)
            self._restore(arrays, json.loads(arrays.pop("state").tobytes()))
        except TrainingError:
            raise
        except Exception as error:  # what is missing, damaged or of another network
            reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
            raise TrainingError(f"{self.folder.checkpoint} does not fit the run ({reason}): start a new run.") from None

    def _restore(self, arrays: dict[str, np.ndarray], scalars: dict[str, Any]) -> None:

        def group(name: str) -> list[np.ndarray]:
            return [arrays[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in arrays))]

        if scalars["fingerprint"] != self.dataset.fingerprint:
            raise TrainingError(
                f"The data of {self.config.data.source} changed since the run started (fingerprint {scalars['fingerprint']}, "
                f"now {self.dataset.fingerprint}): start a new run, or bring the old data back."
            )
        self.model.set_weights(group("weights"))
        for variable, value in zip(self.optimizer.variables, group("optimizer"), strict=True):
            variable.assign(value)
        self.state = TrainState(
            epoch=scalars["epoch"], best_accuracy=scalars["best_accuracy"], best_epoch=scalars["best_epoch"],
            seconds=scalars["seconds"], history=scalars["history"], average_weight=scalars["average_weight"],
            average=group("average") or None, best=group("best") or None,
        )  # fmt: skip

    def _write_bundle(self) -> None:
        assert self.state.best is not None
        # A mixed-precision run is shipped as float32: rebuilt under that policy, with the same weights.
        keras.mixed_precision.set_global_policy("float32")
        model = zoo.build(self.config.model, num_classes=len(NAMES))
        final = self.model.get_weights() if self.state.average is None else [
            (a / self.state.average_weight).astype(np.float32) for a in self.state.average]  # fmt: skip
        model.set_weights(final)
        model.save_weights(self.folder.path / "final.weights.h5")
        model.set_weights(self.state.best)
        model.save_weights(self.folder.path / "best.weights.h5")
        write_bundle(
            self.folder.bundle,
            model,
            name=self.folder.name,
            config=self.config,
            dataset=self.dataset,
            training={
                "epochs": self.state.epoch,
                "best_epoch": self.state.best_epoch,
                "seconds": round(self.state.seconds, 1),
                "train_images": len(self.images),
                "machine": f"{platform.machine()} {platform.system()}, keras {keras.version()} on {keras.backend.backend()}",
                "history": self.state.history,
            },
            validation=(self.val_images, self.val_labels),
        )


class _BatchProgress(keras.callbacks.Callback):
    def __init__(self, run: RunFolder, report: Callable[[dict[str, Any]], None], epoch: int, config: TrainConfig, batches: int) -> None:
        super().__init__()
        self._run, self._report, self._epoch, self._config, self._batches = run, report, epoch, config, batches
        self._start = self._written = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.monotonic()
        if self._run.stop_requested():
            raise StopRequested
        progress = {
            "epoch": self._epoch + 1, "epochs": self._config.epochs, "batch": batch + 1, "batches": self._batches,
            "loss": float((logs or {}).get("loss", float("nan"))), "accuracy": float((logs or {}).get("accuracy", float("nan"))),
            "batch_size": self._config.batch_size, "images_per_second": (batch + 1) * self._config.batch_size / max(1e-9, now - self._start),
        }  # fmt: skip
        self._report(progress)
        if now - self._written >= _PROGRESS_SECONDS:
            self._run.write_progress(**progress)
            self._written = now


def _optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    common: dict[str, Any] = {"learning_rate": config.learning_rate}
    if config.weight_decay:
        common["weight_decay"] = config.weight_decay
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    elif config.weight_decay:
        optimizer = keras.optimizers.AdamW(**common)
    else:
        optimizer = keras.optimizers.Adam(**common)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _loss(config: TrainConfig) -> keras.losses.Loss:
    if config.loss.startswith("sparse"):
        return keras.losses.SparseCategoricalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
