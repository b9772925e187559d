"""The training loop: train an epoch of batches, validate, keep the best weights, write a checkpoint.

A run can be resumed exactly after any epoch: all random numbers come from (seed, epoch), the learning rate
from the epoch, and the rest (weights, optimizer, moving average, best weights) from the checkpoint.

The loop is handed its run folder, steering, limits and workers, and knows nothing of queues, hosting or how
processes are started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras  # before pandas and pyarrow: on macOS TensorFlow can hang when they come first
import numpy as np

from .. import zoo
from ..bundles.first_weights import first_weights
from ..bundles.write import TrainedNetworks, write_bundle
from ..config import RunConfig
from ..emotions import NAMES
from ..errors import TrainingError
from ..machine import describe_machine
from .batches import EpochBatches, prefetch
from .checkpoint import TrainState, finished_epochs, load_checkpoint, save_checkpoint
from .data import read_training_data
from .logs import BatchLog, TensorBoardLog
from .losses import make_losses
from .network import build_network, first_kernel, load_first_weights
from .optimizer import make_optimizer
from .schedule import learning_rate
from .snapshots import SnapshotLog
from .targets import PREDICTIONS, VOTES, single_output
from .workers import ONE_WORKER, Workers

_PROGRESS_SECONDS = 0.5
_VALIDATION_BATCH = 256


class StopRequested(Exception):
    """Raised inside an epoch when the run is asked to stop."""


class RunFiles(Protocol):
    """The files of a run that the loop reads and writes, as `runs.run_folder.RunFolder` has them."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def checkpoint(self) -> Path: ...
    @property
    def batches(self) -> Path: ...
    @property
    def tensorboard(self) -> Path: ...
    @property
    def bundle(self) -> Path: ...
    def config(self) -> RunConfig: ...
    def write_status(self, state: str, message: str = "", **more: Any) -> None: ...
    def write_progress(self, **progress: Any) -> None: ...
    def write_history(self, rows: list[dict[str, Any]]) -> None: ...
    def stop_requested(self) -> bool: ...


class Steering(Protocol):
    """Changes that a user makes during training; implemented by `runs.steering.Steering`."""

    def wait_while_paused(
        self, finished_epochs: int, epoch_begun: bool, stopped: Callable[[], bool]
    ) -> float: ...
    def rate_factor(self, finished_epochs: int) -> float: ...
    def rate_changes(self) -> list[dict[str, Any]]: ...


class Limits(Protocol):
    """Limits of a run, as `hosting.quotas.Allowance` has them."""

    def used_up(self) -> str: ...  # why the run has to stop, as a sentence; empty while it may go on
    def check_disk(self) -> None: ...  # after each epoch


class Trainer:
    """Train the network of a run from its checkpoint, or from the start, and write its bundle.

    Args:
        run: The folder of the run.
        steering: Changes that users make during training.
        command: The shell command that repeats the run, for the card.
        limits: Limits of time and disk space.
        workers: The workers that train the run together.
        on_progress: Called after each batch with epoch, epochs, batch, batches, loss, accuracy,
            images_per_second; and after each epoch with its row of the history, `finished_epoch`, and
            images_per_second of training alone in `training_speed`.

    Raises:
        FerError: The data or the settings do not fit.
    """

    def __init__(
        self,
        run: RunFiles,
        steering: Steering,
        command: str,
        limits: Limits,
        workers: Workers = ONE_WORKER,
        on_progress: Callable[[dict[str, Any]], None] = lambda progress: None,
    ) -> None:
        self.run, self.steering, self.command = run, steering, command
        self.limits, self.workers, self.on_progress = limits, workers, on_progress
        self.config = run.config()
        workers.check_batch_size(self.config.train.batch_size, workers.size)
        run.write_status("running", "Reading the data.")
        self.data = read_training_data(self.config)
        run.write_status(
            "running",
            fingerprint=self.data.dataset.fingerprint,
            train_images=len(self.data.images),
            validation_images=len(self.data.val_images),
            epochs=self.config.train.epochs,
            data_notes=list(self.data.dataset.warnings),
        )
        self._build()
        self.state = self._restore()
        self._open_logs()

    def _build(self) -> None:
        """Build and compile the model, and the one that validates."""
        train = self.config.train
        keras.utils.set_random_seed(train.seed)
        keras.mixed_precision.set_global_policy(train.precision)
        self.model = build_network(self.config)
        parameters = self.model.count_params()
        if train.votes_weight:
            parameters -= self.model.get_layer(VOTES).count_params()
        self.run.write_status("running", parameters=parameters)
        self._compile(finished_epochs(self.run.checkpoint) if self.run.checkpoint.exists() else 0)
        self.validation_model = self.workers.validation_model(self.model, lambda: build_network(self.config))
        self.accuracy_key = f"{PREDICTIONS}_accuracy" if train.votes_weight else "accuracy"
        # The output that is validated and kept, where there are two.
        self.output = {"labels": PREDICTIONS, "votes": VOTES}[train.output] if train.votes_weight else None

    def _compile(self, epoch: int) -> None:
        """Prepare the model to train from `epoch` on: in the first `head_epochs` the outputs alone."""
        train = self.config.train
        if train.head_epochs:
            for layer in self.model.layers:
                layer.trainable = epoch >= train.head_epochs or layer.name in (PREDICTIONS, VOTES)
        self.optimizer = make_optimizer(train)
        metrics: Any = {PREDICTIONS: ["accuracy"]} if train.votes_weight else ["accuracy"]
        self.model.compile(self.optimizer, make_losses(train), metrics=metrics)
        self.optimizer.build(self.model.trainable_variables)
        if keras.backend.backend() == "tensorflow":
            self._build_metrics()

    def _build_metrics(self) -> None:
        """Create the variables of loss and metrics.

        Created in the first batch, they would have TensorFlow trace the training of one twice.
        """
        first = EpochBatches(self.data.images, self.data.targets, self.config, len(NAMES), 0)[0]
        images, targets, *weights = keras.tree.map_structure(lambda values: values[:1], first)
        answers = keras.tree.map_structure(
            lambda output: np.zeros((1, *output.shape[1:]), np.float32), self.model.output
        )
        self.model.compute_loss(images, targets, answers, *weights)
        self.model.compute_metrics(images, targets, answers, *weights)
        self.model.reset_metrics()

    def _restore(self) -> TrainState:
        """Load the checkpoint, or the weights that the run starts from."""
        if self.run.checkpoint.exists():
            return load_checkpoint(self.run.checkpoint, self.model, self.optimizer, self.data.dataset)
        if self.config.train.start_from:
            load_first_weights(self.model, self.config.train.start_from, self.data.images)
        return TrainState()

    def _open_logs(self) -> None:
        # Rows and events of epochs after the checkpoint belong to work that is done again.
        self.run.write_history(self.state.history)
        done = self.state.epoch
        self.batch_log = BatchLog(self.run.batches, done)
        self.snapshots = SnapshotLog(
            self.run.path,
            self.data.val_images,
            self.data.val_labels,
            len(NAMES),
            first_kernel(self.model),
            done,
        )
        self.tensorboard = TensorBoardLog(self.run.tensorboard, done)
        if self.state.history:  # its events may have been lost between the checkpoint and the log
            self.tensorboard.epoch(self.state.history[-1])

    def train(self) -> str:
        """Train to the end.

        Returns:
            "finished", or "stopped" when the run was asked to stop.
        """
        outcome = "finished"
        patience = self.config.train.early_stopping
        while self.state.epoch < self.config.train.epochs:
            no_better = bool(patience) and self.state.epoch - self.state.best_epoch >= patience
            if any(self.workers.broadcast(no_better)):
                break
            try:
                self._epoch()
            except StopRequested:
                outcome = "stopped"
                break
        self.tensorboard.close()
        if self.state.best is None:
            reason = self.limits.used_up() or "Stopped before the first epoch was finished."
            self.run.write_status("stopped", reason)
            return outcome
        if self.workers.rank:
            return outcome
        self.run.write_status("running", "Writing the model bundle.")
        with self.workers.local():
            self._write_bundle()
        self.run.write_status(
            outcome,
            self.limits.used_up() if outcome == "stopped" else "",
            best_accuracy=self.state.best_accuracy,
            best_epoch=self.state.best_epoch,
            ended=time.time(),
        )
        return outcome

    def _epoch(self) -> None:
        start = time.monotonic()
        self._reseed(self.state.epoch)
        logs = self._train_batches(
            EpochBatches(self.data.images, self.data.targets, self.config, len(NAMES), self.state.epoch)
        )
        if not np.isfinite(logs["loss"]):
            raise TrainingError(
                f"The loss became {logs['loss']} in epoch {self.state.epoch + 1}: choose a smaller learning "
                "rate."
            )
        raw = self.model.get_weights()
        averaged = self._update_average(raw)
        probabilities, kernel = self._validate(averaged, raw)
        true = probabilities[np.arange(len(self.data.val_labels)), self.data.val_labels]
        val_accuracy = float((probabilities.argmax(1) == self.data.val_labels).mean())
        better = val_accuracy > self.state.best_accuracy or self.config.train.keep == "last"
        if better:
            self.state.best, self.state.best_accuracy = averaged, val_accuracy
            self.state.best_epoch = self.state.epoch + 1
        seconds = time.monotonic() - start - logs["paused"]
        row = {
            "epoch": self.state.epoch + 1,
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "val_loss": float(-np.log(np.maximum(true, 1e-7)).mean()),  # nats
            "val_accuracy": val_accuracy,
            "learning_rate": logs["learning_rate"],
            "seconds": seconds,
            "images_per_second": len(self.data.images) / seconds,
            "best": better,
        }
        self.state.history.append(row)
        self.state.epoch += 1
        self.state.seconds += seconds
        if self.state.epoch == self.config.train.head_epochs:
            self._compile(self.state.epoch)
        fingerprint = self.data.dataset.fingerprint
        save_checkpoint(self.run.checkpoint, self.state, self.model, self.optimizer, fingerprint)
        self.run.write_history(self.state.history)
        self.snapshots.epoch(self.state.epoch, probabilities, kernel)
        self.limits.check_disk()
        self.tensorboard.epoch(row)
        more = {"epochs": self.config.train.epochs, "training_speed": logs["images_per_second"]}
        self.on_progress(row | more | {"finished_epoch": True})

    def _train_batches(self, batches: Sequence[tuple[Any, ...]]) -> dict[str, float]:
        """Make one pass over the batches.

        The model is trained batch by batch instead of by `fit`: a run can be stopped between any two, and
        `fit` on TensorFlow's CPU build was seen to wait up to 1.7 s at its end for its input pipeline to
        close.

        Returns:
            Mean loss and accuracy, the last learning_rate, images_per_second, and the seconds it was paused.
        """
        train, logs, sums, seen, paused = self.config.train, {}, np.zeros(2), 0, 0.0
        epoch = self.state.epoch
        scheduled, factor = learning_rate(train, epoch), None
        start = written = last = time.monotonic()
        for i, batch in enumerate(prefetch(batches)):
            paused += self.steering.wait_while_paused(epoch, i > 0, self._must_stop)
            stop, new_factor = self.workers.broadcast(self._must_stop(), self.steering.rate_factor(epoch))
            if stop:
                raise StopRequested
            if new_factor != factor:
                factor, self.optimizer.learning_rate = new_factor, new_factor * scheduled
            size = self.workers.divisible(len(batch[0]))
            if not size:  # fewer images than workers
                continue
            metrics = self.model.train_on_batch(*self.workers.shard(batch), return_dict=True)  # of this batch
            loss, accuracy = metrics["loss"], metrics[self.accuracy_key]
            seen += size
            sums += size * np.array([loss, accuracy], np.float64)
            logs = {"loss": float(sums[0] / seen), "accuracy": float(sums[1] / seen)}
            now = time.monotonic()
            per_second, rate = seen / max(1e-9, now - start - paused), factor * scheduled
            progress = {
                "epoch": epoch + 1,
                "epochs": train.epochs,
                "batch": i + 1,
                "batches": len(batches),
                **logs,
                "batch_size": train.batch_size,
                "images_per_second": per_second,
                "learning_rate": rate,
            }
            self.on_progress(progress)
            self.batch_log.add(
                epoch + (i + 1) / len(batches), loss, accuracy, rate, size / max(1e-9, now - last)
            )
            last = now
            if now - written >= _PROGRESS_SECONDS:
                self.run.write_progress(**progress)
                self.batch_log.flush()
                written = now
        self.batch_log.flush()
        return logs | {"learning_rate": rate, "paused": paused, "images_per_second": per_second}

    def _must_stop(self) -> bool:
        return self.run.stop_requested() or bool(self.limits.used_up())

    def _reseed(self, epoch: int) -> None:
        """Set the random state of dropout layers from (seed, epoch).

        `keras.utils.set_random_seed` is left to the start of a run: on TensorFlow it discards what was
        compiled, a second an epoch.
        """
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for i, variable in enumerate(states):
            rng = np.random.default_rng([self.config.train.seed, epoch, 3, i])
            variable.assign(rng.integers(0, 2**31, 2).astype(str(variable.dtype)))

    def _update_average(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Return the moving average over epochs, without the bias to its start (as in Adam,
        arXiv:1412.6980)."""
        momentum, state = self.config.train.average, self.state
        if not momentum:
            return weights
        if state.average is None:
            state.average = [np.zeros_like(w) for w in weights]
        state.average = [
            momentum * a + (1 - momentum) * w for a, w in zip(state.average, weights, strict=True)
        ]
        state.average_weight = momentum * state.average_weight + (1 - momentum)
        return self._average(weights)

    def _average(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Return the moving average in the number formats of `weights`."""
        assert self.state.average is not None
        pairs = zip(self.state.average, weights, strict=True)
        return [(a / self.state.average_weight).astype(w.dtype) for a, w in pairs]

    def _validate(
        self, weights: list[np.ndarray], raw: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the (m, C) probabilities of the validation images with `weights`, and the first kernel;
        leave `raw` in the model."""
        with self.workers.local():
            self.validation_model.set_weights(weights)
            parts = []
            for start in range(0, len(self.data.val_images), _VALIDATION_BATCH):
                images = self.data.val_images[start : start + _VALIDATION_BATCH, ..., None]
                part = self.validation_model.predict_on_batch(images.astype(np.float32))
                parts.append(part if self.output is None else part[self.output])
            kernel = first_kernel(self.validation_model)
            if self.validation_model is self.model:
                self.model.set_weights(raw)
        return np.concatenate(parts), kernel

    def _write_bundle(self) -> None:
        assert self.state.best is not None
        # A mixed-precision run is shipped as float32: rebuilt under that policy, with the same weights.
        keras.mixed_precision.set_global_policy("float32")
        model = build_network(self.config)
        last = self.model.get_weights()
        model.set_weights(last if self.state.average is None else self._average(model.get_weights()))
        model.save_weights(self.run.path / "final.weights.h5")
        model.set_weights(self.state.best)
        model.save_weights(self.run.path / "best.weights.h5")
        if self.output is not None:
            model = single_output(model, zoo.build(self.config.model, num_classes=len(NAMES)), self.output)
        training = {
            "epochs": self.state.epoch,
            "best_epoch": self.state.best_epoch,
            "seconds": round(self.state.seconds, 1),
            "train_images": len(self.data.images),
            "machine": describe_machine(),
            "history": self.state.history,
            "steered": self.steering.rate_changes(),
        }
        origin = first_weights(self.config.train.start_from)
        trained = TrainedNetworks(
            [model], self.config, self.data.dataset, training, self.command, first_weights=origin
        )
        write_bundle(self.run.bundle, self.run.name, trained, self.data.val_images, self.data.val_labels)
