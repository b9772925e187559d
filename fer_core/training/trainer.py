"""The training loop: an epoch of batches, then validate, keep the best, write a checkpoint.

An epoch at a time makes a run exact to resume: all random numbers come from (seed, epoch), the learning rate from the epoch,
and the rest (weights, optimizer, average, best) stands in the checkpoint.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable
from typing import Any

import keras  # before pandas and pyarrow: on macOS TensorFlow can hang when they come first
import numpy as np

from .. import zoo
from ..config import RunConfig
from ..data import open_dataset
from ..data.dataset import Dataset
from ..emotions import NAMES
from ..errors import TrainingError
from ..hosting import quotas
from ..release.bundling import write_bundle
from . import speed
from .batch_log import BatchLog
from .batches import EpochBatches, made_ahead
from .checkpoint import TrainState, load_checkpoint, save_checkpoint
from .crew import SOLO, Crew
from .event_log import EventLog
from .holding import held
from .machine import machine
from .network import build_network, first_kernel, first_weights
from .optimizer import make_loss, make_optimizer
from .repeat import train_command
from .run_folder import RunFolder
from .schedule import learning_rate
from .steering import Helm, steering_log
from .targets import PREDICTIONS, VOTES, make_targets, single_output, training_indices, votes_for
from .watch import WatchLog

_PROGRESS_SECONDS = 0.5
_VALIDATION_BATCH = 256
_FULL = (errno.ENOSPC, errno.EDQUOT)


class StopRequested(Exception):
    """Raised inside an epoch when the run is asked to stop."""


def train(
    run: RunFolder,
    on_progress: Callable[[dict[str, Any]], None] = lambda progress: None,
    finish: bool = False,
    crew: Crew = SOLO,
) -> str:
    """Train the run in `run` from its checkpoint, or from the start, to its end, and write its bundle.

    Args:
        run: a folder made by `RunFolder.create`, perhaps with the checkpoint of an interrupted run.
        finish: train no further: write the bundle with the best weights so far.
        crew: the workers that train it together; all but the first one work in a copy of the folder, which is thrown away.
        on_progress: called after each batch with epoch, epochs, batch, batches, loss, accuracy, images_per_second.

    Returns:
        "finished", or "stopped" when it was asked to stop.

    Raises:
        FerError: the data or the settings do not fit, or another process trains in this folder.
    """
    with held(run):
        try:
            run.clear_old_stop()
            if finish:
                run.request_stop()
            run.reserve_space()
            outcome = _Loop(run, on_progress, crew).run()
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):
                run.write_status("stopped", "Interrupted from the keyboard.")
            raise
        except Exception as error:
            full = isinstance(error, OSError) and error.errno in _FULL
            message = _full_disk(run) if full else f"{error}" if str(error) else type(error).__name__
            with contextlib.suppress(
                OSError
            ):  # where even the reserve does not help, the run counts as interrupted
                run.free_reserve()
                run.write_status("failed", message)
            if full:
                raise TrainingError(message) from None
            raise
        with contextlib.suppress(OSError):
            run.free_reserve()
        return outcome


def _full_disk(run: RunFolder) -> str:
    done = len(run.history())
    kept = (
        f"what it learned in {done} epochs is kept"
        if run.checkpoint.exists() and done
        else "nothing was learned yet"
    )
    return f"The disk is full: {kept}; free some space and let it go on, or keep the best weights so far."


class _Loop:
    def __init__(self, run: RunFolder, on_progress: Callable[[dict[str, Any]], None], crew: Crew) -> None:
        self.on_progress, self.crew = on_progress, crew
        self.folder = run
        self.config: RunConfig = run.config()
        train_config = self.config.train
        crew.check(train_config.batch_size)
        run.write_status("running", "Reading the data.")
        self.dataset: Dataset = open_dataset(self.config.data.source)
        self.votes = votes_for(self.config, self.dataset)
        chosen = training_indices(self.config, self.dataset, self.votes)
        self.images, self.targets = (
            self._images(chosen),
            make_targets(self.config, self.dataset, chosen, self.votes),
        )
        self.val_images, self.val_labels = self._validation()
        run.write_status(
            "running",
            fingerprint=self.dataset.fingerprint,
            train_images=len(self.images),
            validation_images=len(self.val_images),
            epochs=train_config.epochs,
        )
        keras.utils.set_random_seed(train_config.seed)
        keras.mixed_precision.set_global_policy(train_config.precision)
        self.model = build_network(self.config)
        parameters = self.model.count_params() - (
            self.model.get_layer(VOTES).count_params() if train_config.votes_weight else 0
        )
        run.write_status("running", parameters=parameters)
        self.optimizer = make_optimizer(train_config)
        loss = make_loss(train_config)
        if train_config.votes_weight:
            losses = {PREDICTIONS: loss, VOTES: keras.losses.CategoricalCrossentropy()}
            self.model.compile(self.optimizer, losses, metrics={PREDICTIONS: ["accuracy"]})
        else:
            self.model.compile(self.optimizer, loss, metrics=["accuracy"])
        self.accuracy_key = f"{PREDICTIONS}_accuracy" if train_config.votes_weight else "accuracy"
        self.output = (
            None
            if not train_config.votes_weight
            else VOTES
            if train_config.output == "votes"
            else PREDICTIONS
        )
        self.optimizer.build(self.model.trainable_variables)
        self.judge = crew.judge(self.model, lambda: build_network(self.config))
        self.state = TrainState()
        if run.checkpoint.exists():
            self.state = load_checkpoint(run.checkpoint, self.model, self.optimizer, self.dataset)
        elif train_config.start_from:
            first_weights(self.model, train_config.start_from)
        # Rows and events of epochs after the checkpoint belong to work that is done again.
        run.write_history(self.state.history)
        # What it trained in other processes counts too: stopping and going on must not begin the time anew.
        self.allowance = quotas.Allowance(run.path, self.state.seconds)
        done = self.state.epoch
        self.helm, self.batch_log = Helm(run), BatchLog(run, done)
        self.watch_log = WatchLog(
            run, self.val_images, self.val_labels, len(NAMES), first_kernel(self.model), done
        )
        self.events = EventLog(run.tensorboard, done)
        if self.state.history:  # its events may have been lost between the checkpoint and the log
            self.events.epoch(self.state.history[-1])

    def _images(self, chosen: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.dataset.images[chosen])

    def _validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Images and true positions of the validation split: the labels, or the voters' majority where that output is kept."""
        chosen = self.dataset.sample("validation", self.config.data.limit, self.config.train.seed)
        labels = self.dataset.labels[chosen].astype(np.int64)
        if self.config.train.output == "votes" and self.votes is not None:
            chosen, labels = self.votes.agreed(chosen)
            if not len(chosen):
                raise TrainingError(
                    f"The voters agree on none of the validation images of {self.dataset.source}: keep the output labels."
                )
        return self._images(chosen), labels

    def run(self) -> str:
        outcome = "finished"
        patience = self.config.train.early_stopping
        while self.state.epoch < self.config.train.epochs:
            if any(self.crew.agree(bool(patience) and self.state.epoch - self.state.best_epoch >= patience)):
                break
            try:
                self._epoch()
            except StopRequested:
                outcome = "stopped"
                break
        self.events.close()
        if self.state.best is None:
            self.folder.write_status(
                "stopped", self.allowance.used_up() or "Stopped before the first epoch was finished."
            )
            return outcome
        if self.crew.rank:
            return outcome
        self.folder.write_status("running", "Writing the model bundle.")
        with self.crew.alone():
            self._write_bundle()
        self.folder.write_status(
            outcome,
            self.allowance.used_up() if outcome == "stopped" else "",
            best_accuracy=self.state.best_accuracy,
            best_epoch=self.state.best_epoch,
            ended=time.time(),
        )
        return outcome

    def _epoch(self) -> None:
        epoch, train_config = self.state.epoch, self.config.train
        start = time.monotonic()
        self._reseed(epoch)
        batches = EpochBatches(self.images, self.targets, self.config, len(NAMES), epoch)
        logs = self._train_batches(batches)
        if not np.isfinite(logs["loss"]):
            raise TrainingError(
                f"The loss became {logs['loss']} in epoch {epoch + 1}: choose a smaller learning rate."
            )
        raw = self.model.get_weights()
        kept = self._update_average(raw)
        with self.crew.alone():
            self.judge.set_weights(kept)
            probabilities = self._validate()
            kernel = first_kernel(self.judge)
            if self.judge is self.model:
                self.model.set_weights(raw)
        true = probabilities[np.arange(len(self.val_labels)), self.val_labels]
        val_loss = float(-np.log(np.maximum(true, 1e-7)).mean())  # nats
        val_accuracy = float((probabilities.argmax(1) == self.val_labels).mean())
        better = val_accuracy > self.state.best_accuracy or train_config.keep == "last"
        if better:
            self.state.best, self.state.best_accuracy, self.state.best_epoch = kept, val_accuracy, epoch + 1
        seconds = time.monotonic() - start - logs["paused"]
        row = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "learning_rate": logs["learning_rate"],
            "seconds": seconds,
            "images_per_second": len(self.images) / seconds,
            "best": better,
        }
        self.state.history.append(row)
        self.state.epoch += 1
        self.state.seconds += seconds
        save_checkpoint(
            self.folder.checkpoint, self.state, self.model, self.optimizer, self.dataset.fingerprint
        )
        self.folder.write_history(self.state.history)
        self.watch_log.epoch(epoch + 1, probabilities, kernel)
        self.allowance.check_disk()
        if epoch == 1 and self.crew.size == 1:  # in the first one the graph was built
            speed.record(self.config, logs["images_per_second"])
        self.events.epoch(row)
        self.on_progress(row | {"epochs": train_config.epochs, "finished_epoch": True})

    def _train_batches(self, batches: EpochBatches) -> dict[str, float]:
        """One pass over the batches: the mean loss and accuracy, the last learning rate, and the seconds that it was paused.

        Batch by batch instead of `fit`: a run can be stopped between any two, and `fit` on TensorFlow's CPU build was seen to
        wait up to 1.7 s at its end for its input pipeline to close.
        """
        train_config, logs, sums, seen, paused = self.config.train, {}, np.zeros(2), 0, 0.0
        epoch, scheduled, factor = self.state.epoch, learning_rate(self.config.train, self.state.epoch), None
        start = written = last = time.monotonic()
        for i, batch in enumerate(made_ahead(batches)):
            paused += self.helm.hold(epoch, i > 0, self._must_stop)
            stop, wanted = self.crew.agree(self._must_stop(), self.helm.rate_factor(epoch))
            if stop:
                raise StopRequested
            if wanted != factor:
                factor, self.optimizer.learning_rate = wanted, wanted * scheduled
            size = self.crew.shared(len(batch[0]))
            if not size:  # fewer than there are workers
                continue
            told = self.model.train_on_batch(*self.crew.share(batch), return_dict=True)  # of this batch alone
            seen += size
            sums += size * np.array([told["loss"], told[self.accuracy_key]], np.float64)
            logs = {"loss": float(sums[0] / seen), "accuracy": float(sums[1] / seen)}
            now = time.monotonic()
            per_second, rate = seen / max(1e-9, now - start - paused), factor * scheduled
            progress = {
                "epoch": epoch + 1,
                "epochs": train_config.epochs,
                "batch": i + 1,
                "batches": len(batches),
                **logs,
                "batch_size": train_config.batch_size,
                "images_per_second": per_second,
                "learning_rate": rate,
            }
            self.on_progress(progress)
            self.batch_log.add(
                epoch + (i + 1) / len(batches),
                told["loss"],
                told[self.accuracy_key],
                rate,
                size / max(1e-9, now - last),
            )
            last = now
            if now - written >= _PROGRESS_SECONDS:
                self.folder.write_progress(**progress)
                self.batch_log.flush()
                written = now
        self.batch_log.flush()
        return logs | {"learning_rate": rate, "paused": paused, "images_per_second": per_second}

    def _must_stop(self) -> bool:
        return self.folder.stop_requested() or bool(self.allowance.used_up())

    def _reseed(self, epoch: int) -> None:
        """Set the random state of dropout layers from (seed, epoch).

        `keras.utils.set_random_seed` is left to the start of a run: on TensorFlow it throws away what was compiled, a second each epoch.
        """
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
        self.state.average = [
            momentum * a + (1 - momentum) * w for a, w in zip(self.state.average, weights, strict=True)
        ]
        self.state.average_weight = momentum * self.state.average_weight + (1 - momentum)
        return [
            (a / self.state.average_weight).astype(w.dtype)
            for a, w in zip(self.state.average, weights, strict=True)
        ]

    def _validate(self) -> np.ndarray:
        """(n, C) probabilities of the validation images."""
        parts = []
        for start in range(0, len(self.val_images), _VALIDATION_BATCH):
            part = self.judge.predict_on_batch(
                self.val_images[start : start + _VALIDATION_BATCH, ..., None].astype(np.float32)
            )
            parts.append(part if self.output is None else part[self.output])
        return np.concatenate(parts)

    def _write_bundle(self) -> None:
        assert self.state.best is not None
        # A mixed-precision run is shipped as float32: rebuilt under that policy, with the same weights.
        keras.mixed_precision.set_global_policy("float32")
        model = build_network(self.config)
        final = (
            self.model.get_weights()
            if self.state.average is None
            else [(a / self.state.average_weight).astype(np.float32) for a in self.state.average]
        )
        model.set_weights(final)
        model.save_weights(self.folder.path / "final.weights.h5")
        model.set_weights(self.state.best)
        model.save_weights(self.folder.path / "best.weights.h5")
        if self.output is not None:
            model = single_output(model, zoo.build(self.config.model, num_classes=len(NAMES)), self.output)
        write_bundle(
            self.folder.bundle,
            [model],
            name=self.folder.name,
            config=self.config,
            dataset=self.dataset,
            training={
                "epochs": self.state.epoch,
                "best_epoch": self.state.best_epoch,
                "seconds": round(self.state.seconds, 1),
                "train_images": len(self.images),
                "machine": machine(),
                "history": self.state.history,
                "steered": [line for line in steering_log(self.folder) if line["action"] == "learning rate"],
            },
            validation=(self.val_images, self.val_labels),
            command=train_command(self.config, self.dataset.source),
        )
