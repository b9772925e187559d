"""Training under another Keras backend, where a GPU has no TensorFlow; what it learned is shipped by
TensorFlow."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import CARD, find_bundle, read_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.errors import ModelError
from fer_core.inference import Classifier
from fer_core.runs.run_folder import RunFolder

from .. import tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None,
        reason="jax is optional: pip install -r requirements-scale.txt",
    ),
]


@pytest.fixture(scope="module")
def dataset(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture(scope="module")
def jax_run(shell, voted: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run in bfloat16 with both outputs and every kind of state, trained under JAX by the
    shell."""
    run = RunFolder(tmp_path_factory.mktemp("jax") / "run")
    config = tiny.settings(
        voted,
        {"mirror": True, "quantisation": "int8"},
        votes_weight=1.0,
        average=0.3,
        precision="mixed_bfloat16",
        epochs=3,
    )
    run.create(config.override("model", hparams=tiny.HPARAMS | {"dense_dropout": 0.1}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        done = shell("train", "--resume", run.path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "finished"
    return run


def accuracy(bundle_or_run: Path, dataset: Dataset) -> float:
    indices = dataset.labelled_indices("validation")
    probabilities = Classifier(find_bundle(str(bundle_or_run))).probabilities(dataset.images[indices])
    return float((probabilities.argmax(1) == dataset.labels[indices]).mean())


def test_a_run_under_jax_learns_and_says_where_it_was_trained(jax_run: RunFolder) -> None:
    card = read_bundle(jax_run.bundle).card
    assert (
        card["training"]["machine"].endswith(" on jax")
        and card["config"]["train"]["precision"] == "mixed_bfloat16"
    )
    assert jax_run.history()[-1]["val_accuracy"] > 0.6 and card["figures"]["validation"]["accuracy"] > 0.6
    assert {file.name for file in jax_run.bundle.iterdir()} == {CARD, "model.keras", "probabilities.npz"}


def test_the_bundle_command_makes_its_inference_file(
    shell, jax_run: RunFolder, voted: Path, dataset: Dataset, tmp_path: Path
) -> None:
    """Under TensorFlow, which computes from the same weights what JAX did."""
    result = shell.json("bundle", jax_run.path, "--data", voted, "--name", "made", "--out", tmp_path / "made")
    before, after = read_bundle(jax_run.bundle).card, read_bundle(tmp_path / "made").card
    assert after["temperature"] == pytest.approx(before["temperature"], rel=0.02)
    assert (after["mirror"], after["quantisation"], result["networks"]) == (True, "int8", 1)
    kept = np.load(jax_run.bundle / "probabilities.npz")["validation"]
    made = Classifier(read_bundle(tmp_path / "made")).probabilities(
        dataset.images[dataset.labelled_indices("validation")]
    )
    assert np.abs(made - kept).max() < 0.06 and accuracy(tmp_path / "made", dataset) > 0.6


def test_without_its_inference_file_a_model_says_how_to_make_it(jax_run: RunFolder) -> None:
    if not (jax_run.bundle / "model.tflite").exists():
        with pytest.raises(ModelError, match="no inference file"):
            Classifier(find_bundle(str(jax_run.path)))


def test_bundling_under_jax_is_told_in_one_sentence_or_done(
    shell, jax_run: RunFolder, voted: Path, tmp_path: Path
) -> None:
    """Either it says that TensorFlow makes the inference file, or it leaves that out without an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        done = shell("bundle", jax_run.path, "--data", voted, "--name", "made", "--out", tmp_path / "made")
        exported = shell(
            "export", "--model", jax_run.path, "--format", "litert", "--out", tmp_path / "model.tflite"
        )
    assert done.returncode == 0 or "TensorFlow" in done.stderr.splitlines()[-1], done.stderr
    assert exported.returncode == 1 and "TensorFlow" in exported.stderr.splitlines()[-1], exported.stderr[
        -400:
    ]
    assert "Traceback" not in exported.stderr


def test_a_run_can_be_resumed_under_tensorflow(shell, jax_run: RunFolder, dataset: Dataset) -> None:
    """Which ends a finished one by writing its bundle with all files."""
    done = shell("train", "--resume", jax_run.path)
    assert done.returncode == 0, done.stderr
    assert (jax_run.bundle / "model.tflite").is_file() and accuracy(jax_run.path, dataset) > 0.6
