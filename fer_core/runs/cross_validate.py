"""Cross-validation: train a network for each fold on the others, and keep what it says of the fold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..bundle import read_bundle
from ..config import RunConfig
from ..data import open_dataset
from ..data.dataset import UNLABELLED
from ..errors import TrainingError
from ..inference.classifier import Classifier
from ..process_folder import PROJECT
from ..quality import cross_validation
from .run_folder import RunFolder


def cross_validate(
    config: RunConfig,
    parent: Path,
    name: str,
    count: int = 3,
    on_fold: Callable[[int, RunFolder], None] = lambda fold, run: None,
) -> float:
    """Train `count` networks one after the other, as runs NAME-fold-1, NAME-fold-2 ... below `parent`; finished ones are taken as they are.

    Images of all splits are predicted by the network that was trained on training images of the other folds: so those of
    validation and test too are seen by one that knows neither them nor their copies.

    Args:
        config: of the runs; the split for validation stays as it is and chooses nothing but the epoch.
        on_fold: called before each run, with its number from 0.

    Returns:
        The accuracy over all labelled images.

    Raises:
        TrainingError: a run did not finish.
    """
    dataset = open_dataset(config.data.source)
    fold_of = cross_validation.folds(dataset, count)
    probabilities = np.zeros((len(dataset), len(dataset.label_names)), np.float32)
    for fold in range(count):
        run = RunFolder(parent / f"{name}-fold-{fold + 1}")
        if not run.exists():
            run.create(config.replace("data", fold=f"{fold}/{count}"))
        on_fold(fold, run)
        if run.status()["state"] != "finished":
            command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path.resolve())]
            subprocess.run(
                command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=2
            )  # what --json prints stays alone
        if run.status()["state"] != "finished":
            raise TrainingError(
                f"{run.name} is {run.status()['state']}: let it finish, then start the cross-validation again."
            )
        here = np.flatnonzero(fold_of == fold)
        bundle = read_bundle(run.bundle)
        told = Classifier(bundle).probabilities(np.asarray(dataset.images[here]))
        probabilities[here] = told[:, [bundle.labels.index(label) for label in dataset.label_names]]
    known = np.flatnonzero(dataset.labels != UNLABELLED)
    cross_validation.store(dataset, known, probabilities[known])
    return float((probabilities[known].argmax(1) == dataset.labels[known]).mean())
