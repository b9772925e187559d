"""Formats of model files, recognised by their content."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..bundles.bundle import MODEL_SUFFIXES
from ..errors import DataError, ModelError
from ..zip_file import open_zip

KERAS, H5, SAVED_MODEL, SAVED_MODEL_ZIP, LITERT, ONNX = (
    "Keras",
    "Keras HDF5",
    "SavedModel",
    "zipped SavedModel",
    "LiteRT",
    "ONNX",
)
SAVED_MODEL_FILE = "saved_model.pb"
_HDF5_HEAD = b"\x89HDF\r\n\x1a\n"
_MOST_MEMBERS = 10_000
_MOST_UNPACKED = 2_000_000_000  # bytes
_EXPECTED = f"expected {', '.join(MODEL_SUFFIXES)}, or a SavedModel folder or a zip of one"


def recognise(path: Path) -> str:
    """Return the format of a model file or folder.

    Raises:
        ModelError: It is missing, or is not a model of a known format.
    """
    if path.is_dir():
        if (path / SAVED_MODEL_FILE).is_file():
            return SAVED_MODEL
        raise ModelError(f"The folder {path.name} has no {SAVED_MODEL_FILE}: {_EXPECTED}.")
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise ModelError(f"There is no file {path}: {_EXPECTED}.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path.name} cannot be read: {reason}.") from None
    if not head:
        raise ModelError(f"{path.name} is empty: {_EXPECTED}.")
    if head.startswith(_HDF5_HEAD):
        return H5
    if head[4:8] == b"TFL3":
        return LITERT
    if head.startswith(b"PK"):
        return _zipped(path)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise ModelError(
            f"{path.name} is a Python pickle, which is never opened since it may run code: {_pytorch()}."
        )
    # A protobuf has no signature: the field 1 of an ONNX model, its version, usually comes first.
    if path.suffix.lower() == ".onnx" or head[0] == 0x08:
        return ONNX
    raise ModelError(f"{path.name} is not a model of a known format: {_EXPECTED}.")


def _zipped(path: Path) -> str:
    try:
        with open_zip(path, path.name, _MOST_MEMBERS) as archive:
            names = {member.filename for member in archive.infolist()}
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, DataError, NotImplementedError):
        raise ModelError(f"{path.name} is a damaged zip: is the file complete?") from None
    if unpacked > _MOST_UNPACKED:
        raise ModelError(
            f"{path.name} has {unpacked / 1e6:,.0f} MB unpacked: expected at most "
            f"{_MOST_UNPACKED / 1e6:,.0f} MB."
        )
    if "config.json" in names:
        return KERAS
    last_parts = {name.rsplit("/", 1)[-1] for name in names}
    if SAVED_MODEL_FILE in last_parts:
        return SAVED_MODEL_ZIP
    if "data.pkl" in last_parts:
        raise ModelError(
            f"{path.name} is a PyTorch file, which holds a Python pickle that may run code: {_pytorch()}."
        )
    raise ModelError(f"{path.name} is a zip without a model: {_EXPECTED}.")


def _pytorch() -> str:
    return "write it as ONNX with torch.onnx.export in the program that made it"
