"""A run that starts from a trained model: its network, its weights, and the layers that stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.config import ModelConfig
from fer_core.data import open_dataset
from fer_core.errors import FerError
from fer_core.inference import Classifier
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train

from .. import tiny

pytestmark = pytest.mark.long


def tuned(folder: Path, voted: Path, start: Path, **settings: Any) -> RunFolder:
    run = RunFolder(folder)
    values = {"epochs": 1, "learning_rate": 1e-3, "start_from": str(start)} | settings
    run.create(
        tiny.settings(voted, {"mirror": False, "quantisation": "none"}, **values).replace(
            "model", **ModelConfig().model_dump()
        )
    )
    return run


def best_weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "checkpoint.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files if key.startswith("best_")}


def test_it_takes_the_network_of_the_model_and_goes_on_from_its_weights(
    voted: Path, labels_run: Path, tmp_path: Path
) -> None:
    run = tuned(tmp_path / "run", voted, labels_run, learning_rate=1e-7)
    assert run.config().model == RunFolder(labels_run).config().model, (
        "the network is that of the model, whatever the preset's was"
    )
    train(run)
    data = open_dataset(voted)
    images = data.images[data.indices("validation")]
    before, after = (
        Classifier(find_bundle(str(path))).probabilities(images).argmax(1) for path in (labels_run, run.path)
    )
    assert (before == after).mean() > 0.9
    assert run.history()[0]["val_accuracy"] > 0.8, "it began from the start"


@pytest.fixture(scope="module")
def frozen(voted: Path, labels_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The weights after an epoch that hardly changed them."""
    run = tuned(
        tmp_path_factory.mktemp("runs") / "begin",
        voted,
        labels_run,
        learning_rate=1e-7,
        freeze_until="features",
    )
    with pytest.MonkeyPatch.context() as patch:
        tiny.leave_out_bundles(patch)
        train(run)
    return best_weights(run.path)


def test_frozen_layers_keep_their_weights_and_the_classifier_learns(
    voted: Path,
    labels_run: Path,
    frozen: dict[str, np.ndarray],
    tmp_path: Path,
    no_bundle: None,
) -> None:
    run = tuned(tmp_path / "run", voted, labels_run, learning_rate=0.05, epochs=3, freeze_until="features")
    train(run)
    one, other = frozen, best_weights(run.path)
    changed = [key for key in one if not np.allclose(one[key], other[key], atol=1e-5)]
    assert changed == list(one)[-2:], (
        "only kernel and bias of the classifier may change; statistics of frozen norms stay too"
    )


def test_a_part_of_the_layers_can_be_frozen(
    voted: Path,
    labels_run: Path,
    frozen: dict[str, np.ndarray],
    tmp_path: Path,
    no_bundle: None,
) -> None:
    run = tuned(tmp_path / "run", voted, labels_run, learning_rate=0.05, freeze_until="norm_1")
    train(run)
    one, other = frozen, best_weights(run.path)
    same = [np.allclose(one[key], other[key], atol=1e-6) for key in one]
    assert same[:5] == [True] * 5 and not any(same[5:6]) and not all(same[5:])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start_from": "nonesuch"}, "There is no model 'nonesuch'"),
        ({"freeze_until": "conv_9"}, "There is no layer 'conv_9'.*expected features, or one of conv_1"),
        ({"freeze_until": "predictions"}, "There is no layer 'predictions' to freeze"),
    ],
)
def test_what_cannot_be_started_from_is_one_sentence(
    voted: Path, labels_run: Path, tmp_path: Path, settings: dict, words: str
) -> None:
    with pytest.raises(FerError, match=words) as caught:
        train(tuned(tmp_path / "run", voted, labels_run, **settings))
    assert "\n" not in str(caught.value)


def test_freezing_needs_a_model(voted: Path) -> None:
    with pytest.raises(FerError, match="freeze_until needs a model to start_from"):
        tiny.settings(voted, freeze_until="features")


def test_the_outputs_learn_alone_first_and_a_stopped_run_goes_on_as_if_it_had_not(
    voted: Path, labels_run: Path, no_bundle: None, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"epochs": 3, "head_epochs": 1, "learning_rate": 0.01, "keep": "last"}
    whole, stopped = (tuned(tmp_path / name, voted, labels_run, **settings) for name in ("whole", "stopped"))
    first: dict[str, np.ndarray] = {}

    def look(progress: dict[str, Any]) -> None:
        if progress.get("finished_epoch") and not first:
            first.update(best_weights(whole.path))

    train(whole, look)
    with np.load(labels_run / "checkpoint.npz", allow_pickle=False) as file:
        start = {key: file[key] for key in file.files if key.startswith("best_")}
    # The Keras file of a bundle in 8 bits has weights of float16's precision.
    same = {key for key in first if key in start and np.allclose(first[key], start[key], rtol=2e-3)}
    assert same and same != first.keys(), "in the first epoch some weights stay and the outputs learn"
    last = best_weights(whole.path)
    assert any(not np.array_equal(last[key], first[key]) for key in same), "then all layers learn"

    def stop(progress: dict[str, Any]) -> None:
        if progress.get("finished_epoch") and progress["epoch"] == 1:
            stopped.request_stop()

    assert train(stopped, stop) == "stopped"
    stopped.clear_stop()
    assert train(stopped) == "finished"
    resumed = best_weights(stopped.path)
    assert all(np.array_equal(resumed[key], last[key]) for key in last)
