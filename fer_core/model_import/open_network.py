"""Open a model file of any format as a network."""

from __future__ import annotations

from pathlib import Path

from ..keras_import import import_keras
from . import formats
from .network import Network


def open_network(path: Path, folder: Path) -> Network:
    """Open a model file.

    Args:
        path: The file, or the folder of a SavedModel.
        folder: Empty; what has to be unpacked goes there.

    Raises:
        ModelError: It is missing, damaged, runs code of its own, or is not a classifier of images.
    """
    format = formats.recognise(path)
    if format in (formats.KERAS, formats.H5):
        import_keras()
        from .keras_file import KerasNetwork

        return KerasNetwork(path, format)
    if format == formats.LITERT:
        from .litert_file import LiteRTNetwork

        return LiteRTNetwork(path)
    if format == formats.ONNX:
        from .onnx_file import ONNXNetwork

        return ONNXNetwork(path)
    from .saved_model import SavedModelNetwork, unpacked

    return SavedModelNetwork(unpacked(path, folder) if format == formats.SAVED_MODEL_ZIP else path)
