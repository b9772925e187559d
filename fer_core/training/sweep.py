"""Carry out a sweep: draw settings with Optuna, train them one after the other as runs, give hopeless ones up."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from ..errors import FerError
from ..process_folder import PROJECT
from .holding import held
from .registry import Registry
from .run_folder import RunFolder
from .steering import forget_pause
from .sweep_folder import Dimension, SweepConfig, SweepFolder

_LOOK_SECONDS = 0.3


def run_sweep(sweep: SweepFolder) -> str:
    """Carry out `sweep` from where it stands. Returns "finished", or "stopped" when it was asked to stop.

    Raises:
        FerError: it is no sweep, or another process carries it out.
    """
    config = sweep.config()
    with held(sweep):
        try:
            sweep.write_status("running", trials=config.trials)
            outcome = _Sweep(sweep, config).run()
        except Exception as error:
            sweep.write_status("failed", str(error) or type(error).__name__)
            raise
        sweep.write_status(outcome, ended=time.time())
    return outcome


def open_study(sweep: SweepFolder, config: SweepConfig) -> optuna.Study:
    """The Optuna study of a sweep, in its own journal file. It maximises the best validation accuracy of a run."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    pruners: dict[str, Any] = {
        # The first epochs say little, and the first runs are needed for a median.
        "median": optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
        "hyperband": optuna.pruners.HyperbandPruner(max_resource=config.base.train.epochs),
        "none": optuna.pruners.NopPruner(),
    }
    study = optuna.create_study(
        storage=storage, study_name=sweep.name, direction="maximize", load_if_exists=True, pruner=pruners[config.pruner]
    )
    # A sampler that began anew with the same seed would draw the same settings again.
    study.sampler = optuna.samplers.TPESampler(seed=config.seed + len(study.trials))
    return study


class _Sweep:
    def __init__(self, sweep: SweepFolder, config: SweepConfig) -> None:
        self.folder, self.config, self.study = sweep, config, open_study(sweep, config)
        self.registry = Registry(sweep.path.parent)

    def run(self) -> str:
        begun = [t for t in self.study.trials if t.state == TrialState.RUNNING]  # by a process that ended in the middle
        for frozen in begun:
            # Optuna has no public way back to a trial that was begun: its id is the one thing that is needed.
            if self._trial(Trial(self.study, frozen._trial_id)) == "stopped":
                return "stopped"
        while len(self.study.trials) < self.config.trials:
            if self.folder.stop_requested() or self._trial(self.study.ask()) == "stopped":
                return "stopped"
        return "finished"

    def _trial(self, trial: Trial) -> str:
        run = RunFolder(self.folder.run_path(trial.number))
        try:
            if not run.exists():
                config = self.config.base
                for path, dimension in self.config.space.items():
                    config = config.with_setting(path, _draw(trial, path, dimension))
                run.create(config)
                self.registry.describe(run.name, sweep=self.folder.name)
        except FerError as error:  # settings that do not go together; the next ones may
            self.study.tell(trial, state=TrialState.FAIL)
            self.folder.write_status("running", f"Trial {trial.number + 1}: {error}")
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
        done = [t for t in self.study.trials if t.state.is_finished()]
        self.folder.write_status("running", f"{len(done)} of {self.config.trials} runs are done.", done=len(done))
        return outcome

    def _train(self, run: RunFolder, trial: Trial) -> str:
        """Train in a process of its own: "ended", "failed", "pruned", or "stopped" with the sweep."""
        reported, pruned = 0, False
        process = None if run.alive() else _start(run)  # it may have outlived the process that began the sweep
        while run.alive() if process is None else process.poll() is None:
            if self.folder.stop_requested():
                run.request_stop()
            history = run.history()
            for row in history[reported:]:
                trial.report(row["val_accuracy"], int(row["epoch"]))
            reported = max(reported, len(history))
            if not pruned and history and len(history) < run.config().train.epochs and trial.should_prune():
                pruned = True
                run.request_stop()
            time.sleep(_LOOK_SECONDS)
        if self.folder.stop_requested():
            return "stopped"
        if pruned and run.status()["state"] == "stopped":
            run.write_status("pruned", f"Given up by {self.folder.name} after epoch {len(run.history())}: others were better by then.")
            return "pruned"
        return "ended" if run.status()["state"] in ("finished", "stopped") else "failed"


def _start(run: RunFolder) -> subprocess.Popen[bytes]:
    forget_pause(run)
    with open(run.log, "ab") as log:
        command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path.resolve())]
        return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _draw(trial: Trial, path: str, dimension: Dimension) -> Any:
    if dimension.choices:
        return trial.suggest_categorical(path, dimension.choices)
    if dimension.whole:
        low, high = int(dimension.low), int(dimension.high)
        return trial.suggest_int(path, low, high, log=dimension.log, step=int(dimension.step or 1))
    return trial.suggest_float(path, dimension.low, dimension.high, log=dimension.log, step=dimension.step)
