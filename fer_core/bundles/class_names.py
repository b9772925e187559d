"""Names inside exported files: the classes, the input `image` and the output `probabilities`.

LiteRT files take their classes as TensorFlow Lite's metadata tools do, in a zip behind the model with one
name a line in labels.txt; ONNX files as the metadata property `labels`, a JSON list.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

from ..errors import ModelError

INPUT, OUTPUT = "image", "probabilities"
LABELS = "labels.txt"
IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # bytes, of weights in a LiteRT file


def named_litert(content: bytes, labels: Sequence[str]) -> bytes:
    """Return a LiteRT file with the names of its classes, input and output; the answers stay the same.

    Args:
        content: The file of a model with one input and one output.
        labels: The classes in the order of the output.

    Raises:
        ModelError: The content is not a LiteRT file.
    """
    from ai_edge_litert import schema_py_generated as schema

    if content[4:8] != IDENTIFIER:
        raise ModelError(
            "The inference file is not a LiteRT file: make the bundle again with the command bundle."
        )
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    for name, tensors, end in ((INPUT, graph.inputs, "inputs"), (OUTPUT, graph.outputs, "outputs")):
        graph.tensors[tensors[0]].name = name
        for signature in model.signatureDefs or []:
            getattr(signature, end)[0].name = name
    builder = aligned_builder(len(content))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    file = io.BytesIO()
    file.write(builder.Output())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LABELS, "".join(f"{label}\n" for label in labels))
    return file.getvalue()


def aligned_builder(size: int) -> flatbuffers.Builder:
    """Return a builder of about `size` bytes that aligns weights as LiteRT reads them."""
    return _Builder(size)


class _Builder(flatbuffers.Builder):
    def CreateNumpyVector(self, x: np.ndarray) -> Any:
        self.Prep(_ALIGNMENT, x.nbytes)
        return super().CreateNumpyVector(x)


def name_onnx(path: Path, labels: Sequence[str]) -> None:
    """Write the names of classes, input and output into the ONNX file at `path`.

    Args:
        path: The file of a model with one input and one output.
        labels: The classes in the order of the output.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for old, new in ((graph.input[0].name, INPUT), (graph.output[0].name, OUTPUT)):
        for names in [names for node in graph.node for names in (node.input, node.output)]:
            names[:] = [new if name == old else name for name in names]
    graph.input[0].name, graph.output[0].name = INPUT, OUTPUT
    onnx.helper.set_model_props(model, {"labels": json.dumps(list(labels))})
    onnx.save(model, str(path))
