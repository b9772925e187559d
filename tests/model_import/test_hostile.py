"""Files that are damaged or bring code of their own are refused in one sentence, and nothing of them runs."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import ModelError
from fer_core.model_import import formats
from fer_core.model_import.open_network import open_network
from tests.model_import import made


def refused(path: Path, folder: Path) -> str:
    with pytest.raises(ModelError) as error:
        open_network(path, folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 700
    return str(error.value)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_layer_is_named_and_not_run(suffix: str, tmp_path: Path) -> None:
    import keras

    ran = tmp_path / "ran"
    inputs = keras.Input((48, 48, 1))
    code = keras.layers.Lambda(lambda x, path=str(ran): (open(path, "w").close(), x)[1], name="mine")
    outputs = keras.layers.Dense(7)(keras.layers.Flatten()(code(inputs)))
    keras.Model(inputs, outputs).save(tmp_path / f"network{suffix}")
    ran.unlink()  # it was made while the model was
    assert "Lambda 'mine'" in refused(tmp_path / f"network{suffix}", tmp_path)
    assert not ran.exists()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_custom_layer_is_named(suffix: str, tmp_path: Path) -> None:
    import keras

    class Attention(keras.layers.Layer):
        def call(self, x: object) -> object:
            return x

    inputs = keras.Input((48, 48, 1))
    outputs = keras.layers.Dense(7)(keras.layers.Flatten()(Attention(name="look")(inputs)))
    keras.Model(inputs, outputs).save(tmp_path / f"network{suffix}")
    assert "Attention" in refused(tmp_path / f"network{suffix}", tmp_path)


def test_a_saved_model_that_writes_files_is_not_called(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((None, 48, 48, 1))])
    def spy(x: object) -> object:
        tf.io.write_file(str(tmp_path / "ran"), "x")
        return {"output": tf.reduce_mean(x, axis=(1, 2))}

    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=spy.get_concrete_function())
    assert "the operation WriteFile" in refused(tmp_path / "saved", tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_saved_model_with_a_table_is_not_loaded(tmp_path: Path) -> None:
    import tensorflow as tf

    (tmp_path / "words.txt").write_text("a\nb\n")
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "words.txt"),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        -1,
    )

    @tf.function(input_signature=[tf.TensorSpec((None, 48, 48, 1))])
    def network(x: object) -> object:
        return {"output": tf.reduce_mean(x, axis=(1, 2)), "n": module.table.size()}

    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=network.get_concrete_function())
    assert "when it is loaded" in refused(tmp_path / "saved", tmp_path)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "network.pt").write_bytes(pickle.dumps({"a": 1}))
    assert "torch.onnx.export" in refused(tmp_path / "network.pt", tmp_path)
    with zipfile.ZipFile(tmp_path / "network.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert "torch.onnx.export" in refused(tmp_path / "network.pth", tmp_path)


def test_the_format_is_that_of_the_content(tmp_path: Path) -> None:
    path = made.write_onnx(tmp_path / "network.onnx")
    shutil.copy(path, tmp_path / "network.h5")
    assert formats.recognise(tmp_path / "network.h5") == formats.ONNX
    (tmp_path / "photo.keras").write_bytes(b"\xff\xd8\xff\xe0 a photo")
    assert "is not a model of a known format: expected .keras" in refused(tmp_path / "photo.keras", tmp_path)
    (tmp_path / "empty.onnx").touch()
    assert "is empty" in refused(tmp_path / "empty.onnx", tmp_path)
    assert "no saved_model.pb" in refused(tmp_path, tmp_path)
    assert "There is no file" in refused(tmp_path / "none.h5", tmp_path)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    import keras
    from keras import layers

    def saved(model: keras.Model) -> Path:
        model.save(tmp_path / "network.keras")
        return tmp_path / "network.keras"

    flat = keras.Sequential([keras.Input((2304,)), layers.Dense(7)])
    assert "shape (any, 2304): expected images" in refused(saved(flat), tmp_path)
    one = keras.Sequential([keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(1)])
    assert "has 1 outputs" in refused(saved(one), tmp_path)
    inputs = [keras.Input((48, 48, 1)), keras.Input((48, 48, 1))]
    two = keras.Model(inputs, layers.Dense(7)(layers.Flatten()(layers.Add()(inputs))))
    assert "has 2 inputs and 1 outputs" in refused(saved(two), tmp_path)
    one.save_weights(tmp_path / "network.weights.h5")
    assert "model.save()" in refused(tmp_path / "network.weights.h5", tmp_path)


def test_weights_beside_an_onnx_file_are_not_followed(tmp_path: Path) -> None:
    import onnx

    path = made.write_onnx(tmp_path / "network.onnx")
    model = onnx.load(str(path))
    onnx.save(
        model,
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="w",
        size_threshold=0,
    )
    assert "in another file" in refused(path, tmp_path)


def test_answers_that_are_no_numbers_are_refused() -> None:
    from fer_core.model_import.outputs import check_finite

    with pytest.raises(ModelError, match="NaN"):
        check_finite(np.full((3, 7), np.nan))
    check_finite(np.array([[np.nan, 1.0]]))
