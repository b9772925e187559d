"""Cross-validation: train a network per fold and store its probabilities for the held-out fold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..bundles.bundle import read_bundle
from ..bundles.classifier import Classifier
from ..config import RunConfig
from ..data import open_dataset
from ..data.dataset import UNLABELLED
from ..errors import TrainingError
from ..quality import cross_validation
from ..resources import subprocess_environment
from .run_folder import RunFolder


def cross_validate(
    config: RunConfig,
    parent: Path,
    name: str,
    count: int = 3,
    on_fold: Callable[[int, RunFolder], None] = lambda fold, run: None,
) -> float:
    """Train a network for each fold without it, and store its probabilities of the fold.

    The runs are NAME-fold-1, NAME-fold-2 ... below `parent`; finished ones are used as they are. Images of
    all splits are predicted by the network that was trained on training images of the other folds, so that it
    has seen neither them nor their copies.

    Args:
        config: The settings of the runs; the validation split chooses nothing but the epoch.
        parent: The folder of the runs.
        name: The prefix of the run names.
        count: The number of folds.
        on_fold: Called before each run, with its number from 0.

    Returns:
        The accuracy over all labelled images.

    Raises:
        TrainingError: A run did not finish.
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
            subprocess.run(command, env=subprocess_environment(), stdin=subprocess.DEVNULL, stdout=2)
        if run.status()["state"] != "finished":
            raise TrainingError(
                f"{run.name} is {run.status()['state']}: let it finish, then start the cross-validation "
                "again."
            )
        here = np.flatnonzero(fold_of == fold)
        bundle = read_bundle(run.bundle)
        answers = Classifier(bundle).probabilities(np.asarray(dataset.images[here]))
        probabilities[here] = answers[:, [bundle.labels.index(label) for label in dataset.label_names]]
    labelled = np.flatnonzero(dataset.labels != UNLABELLED)
    cross_validation.store(dataset, labelled, probabilities[labelled])
    return float((probabilities[labelled].argmax(1) == dataset.labels[labelled]).mean())
