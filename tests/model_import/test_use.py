"""What a model from elsewhere can be used for: Grad-CAM, the browser, further training, teaching."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.browser.litert import litert_plan
from fer_core.bundles.bundle import Bundle
from fer_core.emotions import NAMES
from fer_core.errors import ModelError, TrainingError
from fer_core.inference.features import FeatureExtractor
from fer_core.presets import PRESETS
from fer_core.runs.resolve import resolve
from tests.data import build
from tests.model_import import made
from tests.model_import.test_formats import imported


@pytest.fixture(scope="module")
def from_keras(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("keras")
    made.keras_network("tf").save(folder / "network.keras")
    return imported(folder / "network.keras", folder, input="tf", classes="alphabetical", faces=False)[0]


@pytest.fixture(scope="module")
def from_onnx(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("onnx")
    file = made.write_onnx(folder / "network.onnx")
    return imported(file, folder, input="torch", classes="alphabetical", faces=False)[0]


def test_grad_cam_is_of_the_class_that_is_asked_for(from_keras: Bundle) -> None:
    """The channels speak for classes whose level has the sign of the pixels, as -1..1 has it."""
    from fer_core.explanation.grad_cam import GradCam

    images, codes = build.faces(7)
    maps = GradCam(from_keras).maps(images)
    levels = made.SCALINGS["tf"](made.LEVELS)[0]
    for image, code in enumerate(codes):
        if NAMES[code] == "happy":  # its grey is near 0, so that noise decides
            continue
        mean = 2 * float(np.median(images[image])) / 255 - 1
        for c in range(len(NAMES)):
            speaks = mean * levels[c] > 0
            assert (maps[image, c].mean() > 0.3) == speaks, (code, c)


def test_the_browser_knows_its_operations(from_keras: Bundle, from_onnx: Bundle) -> None:
    assert litert_plan(from_keras)
    assert FeatureExtractor(from_keras).features(build.faces(2)[0]).shape == (2, 3)
    with pytest.raises(ModelError, match="not in the browser"):
        litert_plan(from_onnx)
    with pytest.raises(ModelError, match="no features"):
        FeatureExtractor(from_onnx)


def test_training_goes_on_where_the_layers_fit(tmp_path: Path) -> None:
    """The weights of the last layer are in the order of our classes then."""
    import keras

    from fer_core import zoo
    from fer_core.training.network import load_first_weights

    preset = PRESETS["quick"].config
    network = zoo.build(preset.model, num_classes=7)
    network.save(tmp_path / "network.keras")
    bundle, _ = imported(
        tmp_path / "network.keras", tmp_path, input="raw", classes="alphabetical", faces=False
    )
    config = resolve(preset.override("train", start_from=str(bundle.path)))
    assert config.model == preset.model
    keras.utils.set_random_seed(3)
    model = zoo.build(config.model, num_classes=7)
    load_first_weights(model, str(bundle.path), np.zeros((1, 48, 48), np.uint8))
    before, after = (one.get_layer("predictions").get_weights()[0] for one in (network, model))
    assert np.array_equal(after[:, NAMES.index("sad")], before[:, made.ORDER.index("sad")])
    assert np.array_equal(after[:, NAMES.index("angry")], before[:, made.ORDER.index("angry")])


def test_training_from_other_layers_is_refused(from_keras: Bundle, from_onnx: Bundle) -> None:
    from fer_core import zoo
    from fer_core.training.network import load_first_weights

    preset = PRESETS["quick"].config
    with pytest.raises(TrainingError, match="came as an ONNX file"):
        resolve(preset.override("train", start_from=str(from_onnx.path)))
    model = zoo.build(preset.model, num_classes=7)
    with pytest.raises(TrainingError, match="choose the preset of its network"):
        load_first_weights(model, str(from_keras.path), np.zeros((1, 48, 48), np.uint8))


def test_any_model_from_elsewhere_can_teach(from_onnx: Bundle, tmp_path: Path) -> None:
    from fer_core.data import open_dataset
    from fer_core.training.targets import _teach

    images, codes = build.faces(70)
    path = tmp_path / "faces.npz"
    np.savez(path, images=images, labels=codes)
    dataset = open_dataset(path)
    taught = _teach(str(from_onnx.path), dataset)
    train = dataset.labelled_indices("train")
    assert np.array_equal(taught[train].argmax(axis=1), dataset.labels[train])
