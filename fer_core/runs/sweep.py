"""Run a sweep: sample settings with Optuna, train each as a run, prune poor ones.

Any number of processes may work at one sweep, on machines that share its folder: each trains one run at a
time. They meet in Optuna's storage and in the locks of its trials; a trial whose worker was killed is taken
over by another one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import Trial, TrialState

from ..errors import ConfigError, FerError, TrainingError, reason
from ..resources import subprocess_environment
from .locks import TrialLocks
from .registry import Registry
from .run_folder import RunFolder
from .steering import clear_pause
from .sweep_folder import Dimension, SweepConfig, SweepFolder

_POLL_SECONDS = 0.3


def run_sweep(sweep: SweepFolder) -> str:
    """Run trials of `sweep` until all are done, perhaps beside other workers.

    Returns:
        "finished", or "stopped" when it was asked to stop.

    Raises:
        FerError: The folder holds no sweep, or the folder or storage cannot be used.
    """
    work = _Sweep(sweep, sweep.config())
    try:
        work.lead()
        work.write_status("running", trials=work.config.trials)
        outcome = work.run()
    except Exception as error:
        if work.leads:  # else others go on
            sweep.write_status(
                "failed", str(error) or type(error).__name__
            )  # uncounted: the storage may be what failed
        raise
    else:
        work.write_status(outcome, ended=time.time())
        return outcome
    finally:
        work.lock.release()


def open_study(sweep: SweepFolder, config: SweepConfig) -> optuna.Study:
    """Open the Optuna study of a sweep, in its journal file or in a database.

    The study maximises the best validation accuracy of a run.

    Raises:
        ConfigError: The database cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruners: dict[str, Any] = {
        # The first epochs say little, and the first runs are needed for a median.
        "median": optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
        "hyperband": optuna.pruners.HyperbandPruner(max_resource=config.base.train.epochs),
        "none": optuna.pruners.NopPruner(),
    }
    # One worker at a time: of two that make the tables of a new database at once, one fails.
    with TrialLocks(sweep.path).one_at_a_time():
        return optuna.create_study(
            storage=_storage(sweep, config),
            study_name=config.study or sweep.name,
            direction="maximize",
            load_if_exists=True,
            pruner=pruners[config.pruner],
        )


def _storage(sweep: SweepFolder, config: SweepConfig) -> Any:
    if config.storage is None:
        journal = str(sweep.journal.resolve())
        # Not Optuna's default: its lock is a link to the journal, which another machine may know by another
        # path, and through a link that leads nowhere it cannot see for how long a killed worker has held it.
        return JournalStorage(JournalFileBackend(journal, JournalFileOpenLock(journal)))
    try:
        return optuna.storages.RDBStorage(config.storage)
    except ImportError as error:
        raise ConfigError(
            f"The storage {_without_password(config.storage)} needs a driver that is not installed: {error}."
        ) from None
    except Exception as error:  # SQLAlchemy lets through what each driver raises
        raise ConfigError(
            f"The storage {_without_password(config.storage)} cannot be opened ({reason(error)}): "
            "expected a URL such as postgresql://USER@HOST/NAME."
        ) from None


def _without_password(url: str) -> str:
    return re.sub(r"(://[^/@:]*):[^@]*@", r"\1:***@", url)


class _Sweep:
    def __init__(self, sweep: SweepFolder, config: SweepConfig) -> None:
        self.folder, self.config, self.study = sweep, config, open_study(sweep, config)
        self.trial_locks, self.lock = TrialLocks(sweep.path), sweep.lock()

    @property
    def leads(self) -> bool:
        return self.lock.is_locked

    def lead(self) -> None:
        """Hold the folder's lock, which is how others see that the sweep is alive, unless another worker
        holds it."""
        if self.leads:
            return
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            return
        except OSError as error:
            raise TrainingError(f"{self.folder.path} cannot be written: {error.strerror}.") from None
        if not self.folder.status().get("registered"):
            # All at once, by one machine: SQLite's file is not to be written by several.
            registry = Registry(self.folder.path.parent)
            for trial in range(self.config.trials):
                registry.describe(self.folder.run_path(trial).name, sweep=self.folder.name)
            self.write_status("running", registered=True)

    def write_status(self, state: str, message: str | None = None, **more: Any) -> None:
        """Write the status; by default the message is the number of finished trials."""
        with self.trial_locks.one_at_a_time():  # else one that counted earlier might write later
            done = self._done()
            message = f"{done} of {self.config.trials} runs are done." if message is None else message
            self.folder.write_status(state, message, done=done, **more)

    def run(self) -> str:
        while True:
            if self.folder.stop_requested():
                return "stopped"
            self.lead()
            trial, claim = self._next()
            if trial is not None and claim is not None:
                try:
                    if self._trial(trial) == "stopped":
                        return "stopped"
                finally:
                    claim.release()
            elif self._done() >= self.config.trials:
                return "finished"
            else:  # others train the last ones, and may be killed
                time.sleep(_POLL_SECONDS)

    def _next(self) -> tuple[Trial | None, FileLock | None]:
        """Return the next trial and its lock: an abandoned one, else a new one, else (None, None)."""
        with self.trial_locks.one_at_a_time():
            trials = self.study.get_trials(deepcopy=False)
            for begun in trials:
                if (
                    begun.state == TrialState.RUNNING
                    and (claim := self.trial_locks.take(begun.number)) is not None
                ):
                    # Optuna has no public way back to a trial that was begun: its id is the one thing that is
                    # needed.
                    return self._seeded(begun.number, partial(Trial, self.study, begun._trial_id)), claim
            if len(trials) >= self.config.trials:
                return None, None
            trial = self._seeded(len(trials), self.study.ask)
            return trial, self.trial_locks.take(trial.number)

    def _seeded(self, number: int, make: Callable[[], Trial]) -> Trial:
        """Return a trial whose sampler has its own seed, so that workers with the same seed draw different
        settings."""
        seed = int(np.random.SeedSequence([self.config.seed, number]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        return make()

    def _done(self) -> int:
        return sum(trial.state.is_finished() for trial in self.study.get_trials(deepcopy=False))

    def _trial(self, trial: Trial) -> str:
        run = RunFolder(self.folder.run_path(trial.number))
        try:
            if not run.exists():
                config = self.config.base
                for path, dimension in self.config.space.items():
                    config = config.with_setting(path, _draw(trial, path, dimension))
                run.create(config)
        except FerError as error:  # settings that do not go together; the next ones may
            self.study.tell(trial, state=TrialState.FAIL)
            self.write_status("running", f"Trial {trial.number + 1}: {error}")
            return "failed"
        outcome = self._train(run, trial)
        history = run.history()
        if outcome == "stopped":
            return outcome  # the trial stays open: the sweep can go on with it
        if outcome == "pruned":
            self.study.tell(trial, state=TrialState.PRUNED)
        elif outcome == "ended" and history:
            self.study.tell(trial, max(row["val_accuracy"] for row in history))
        else:
            self.study.tell(trial, state=TrialState.FAIL)
        self.write_status("running")
        return outcome

    def _train(self, run: RunFolder, trial: Trial) -> str:
        """Train in a process of its own: "ended", "failed", "pruned", or "stopped" with the sweep."""
        reported, pruned = 0, False
        process = (
            None if run.alive() else _start(run)
        )  # it may have outlived the process that began the sweep
        while run.alive() if process is None else process.poll() is None:
            self.lead()
            if self.folder.stop_requested():
                run.request_stop()
            history = run.history()
            for row in history[reported:]:
                trial.report(row["val_accuracy"], int(row["epoch"]))
            reported = max(reported, len(history))
            if not pruned and history and len(history) < run.config().train.epochs and trial.should_prune():
                pruned = True
                run.request_stop()
            time.sleep(_POLL_SECONDS)
        if self.folder.stop_requested():
            return "stopped"
        if pruned and run.status()["state"] == "stopped":
            run.write_status(
                "pruned",
                f"Pruned by {self.folder.name} after epoch {len(run.history())}: other runs were better.",
            )
            return "pruned"
        return "ended" if run.status()["state"] in ("finished", "stopped") else "failed"


def _start(run: RunFolder) -> subprocess.Popen[bytes]:
    clear_pause(run)
    with open(run.log, "ab") as log:
        command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path.resolve())]
        return subprocess.Popen(
            command,
            env=subprocess_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _draw(trial: Trial, path: str, dimension: Dimension) -> Any:
    if dimension.choices:
        return trial.suggest_categorical(path, dimension.choices)
    if dimension.whole:
        low, high = int(dimension.low), int(dimension.high)
        return trial.suggest_int(path, low, high, log=dimension.log, step=int(dimension.step or 1))
    return trial.suggest_float(path, dimension.low, dimension.high, log=dimension.log, step=dimension.step)
