"""Networks from SavedModel folders, of which only the serving signature is called.

A SavedModel is a TensorFlow program: its operations may read and write files. Before it is loaded, all
operations that its signature can reach are looked at, and things that are set up on loading (tables, files)
are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.bundle import INFERENCE
from ..errors import DataError, ModelError, reason
from ..keras_import import import_keras
from ..native_output import silenced
from ..zip_file import open_zip
from . import formats, litert_graph
from .input_values import input_shape
from .network import Plan
from .outputs import check_count

_SIGNATURE = "serving_default"
_MAX_DESCRIPTION = 500_000_000  # bytes
# Operations with a state that a network needs: its weights, calls, and branches.
_STATE = {
    "VarHandleOp",
    "ReadVariableOp",
    "StatefulPartitionedCall",
    "If",
    "While",
    "Case",
    "RandomUniform",  # of dropout, which does nothing outside training
    "RandomStandardNormal",
}
# Those without one that still reach outside, or run Python.
_REFUSED = {
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "SaveV2",
    "MergeV2Checkpoints",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
}


class SavedModelNetwork:
    """A network from a SavedModel folder."""

    format = formats.SAVED_MODEL

    def __init__(self, folder: Path) -> None:
        """Check and load a SavedModel.

        Raises:
            ModelError: It is damaged, does more than compute, or is not a classifier of images.
        """
        import_keras()
        import tensorflow as tf

        name = folder.name
        check(folder)
        try:
            with silenced(1), silenced(2):
                self._loaded = tf.saved_model.load(str(folder))
            self._call = self._loaded.signatures[_SIGNATURE]
            inputs = self._call.structured_input_signature[1]
            outputs = self._call.structured_outputs
        except Exception as error:  # TensorFlow raises errors of many kinds for damaged files
            raise ModelError(f"{name} cannot be read as a SavedModel: {reason(error)}.") from None
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{name} has {len(inputs)} inputs and {len(outputs)} outputs: expected a network with one "
                "image in and one vector of classes out."
            )
        (self._input, spec), (self._output, answer) = next(iter(inputs.items())), next(iter(outputs.items()))
        if spec.shape.rank is None or spec.dtype != tf.float32:
            raise ModelError(
                f"{name} takes {spec.dtype.name} of the shape {spec.shape}: expected float32 images of a "
                "known shape."
            )
        self.shape = input_shape(spec.shape.as_list(), name)
        self.count = check_count(answer.shape.as_list()[-1] if answer.shape.rank == 2 else None, name)
        self.classes: tuple[str, ...] | None = None
        self.scaling: str | None = None

    def run(self, batch: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        size = 1 if self.shape.one_at_a_time else len(batch)
        parts = [
            self._call(**{self._input: tf.constant(batch[i : i + size])})[self._output].numpy()
            for i in range(0, len(batch), size)
        ]
        return np.concatenate(parts).astype(np.float32)

    def write(self, folder: Path, plan: Plan) -> dict[str, Any]:
        """See `Network.write`."""
        import tensorflow as tf

        try:
            with silenced(1), silenced(2):
                converter = tf.lite.TFLiteConverter.from_concrete_functions([self._call], self._loaded)
                content = converter.convert()
        except Exception as error:  # the converter raises errors of many kinds
            raise ModelError(f"The network cannot be converted to LiteRT: {reason(error)}.") from None
        (folder / INFERENCE).write_bytes(litert_graph.joined(content, self.shape, plan))
        return {"parameters": sum(int(np.prod(v.shape)) for v in self._loaded.variables)}


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack the zip of a SavedModel into an empty folder, and return the SavedModel's folder.

    Raises:
        ModelError: It is damaged, or holds several.
    """
    try:
        with open_zip(path, path.name) as archive:
            archive.extractall(folder)  # keeps names inside the folder
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        EOFError,
        DataError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ModelError(f"{path.name} cannot be unpacked: {reason(error)}.") from None
    except Exception as error:  # of damaged compressed data
        raise ModelError(f"{path.name} is damaged: {reason(error)}.") from None
    folders = [place.parent for place in folder.rglob(formats.SAVED_MODEL_FILE)]
    if len(folders) != 1:
        raise ModelError(f"{path.name} holds {len(folders)} SavedModels: expected one.")
    return folders[0]


def check(folder: Path) -> None:
    """Check that loading a SavedModel and calling its signature only computes.

    Raises:
        ModelError: It does more; the message names the operation.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    description = saved_model_pb2.SavedModel()
    file = folder / formats.SAVED_MODEL_FILE
    try:
        if file.stat().st_size > _MAX_DESCRIPTION:
            raise ModelError(f"{folder.name} has a description of more than {_MAX_DESCRIPTION / 1e6:.0f} MB.")
        description.ParseFromString(file.read_bytes())
        (graph,) = [graph for graph in description.meta_graphs if "serve" in graph.meta_info_def.tags]
    except (DecodeError, ValueError, OSError):
        raise ModelError(
            f"{folder.name} cannot be read as a SavedModel: its description is damaged."
        ) from None
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind in ("asset", "resource"):
            raise ModelError(
                f"{folder.name} sets up a {'file' if kind == 'asset' else 'table or another resource'} when "
                "it is loaded, which is not done here: export the network without text or table lookups."
            )
    signature = _signature_function(graph, folder.name)
    for operation, name in _operations(graph.graph_def.library, signature):
        if not _computes(operation):
            raise ModelError(
                f"{folder.name} has the operation {operation[:80]} ({name[:80]}), which may reach files or "
                "run other code, and is not run here: export the network without it."
            )


def _signature_function(graph: Any, name: str) -> str:
    """Return the function of the serving signature."""
    nodes = graph.object_graph_def.nodes
    try:
        children = {child.local_name: child.node_id for child in nodes[0].children}
        signatures = {child.local_name: child.node_id for child in nodes[children["signatures"]].children}
        return str(nodes[signatures[_SIGNATURE]].bare_concrete_function.concrete_function_name)
    except (IndexError, KeyError):
        raise ModelError(
            f"{name} has no signature {_SIGNATURE}: write it with model.export(folder) or "
            "tf.saved_model.save."
        ) from None


def _operations(library: Any, first: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of all operations that a function can reach."""
    functions = {function.signature.name: function for function in library.function}
    waiting, seen = [first], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            if node.op not in functions:
                yield node.op, node.name
            else:
                waiting.append(node.op)
            for attribute in node.attr.values():
                waiting += [attribute.func.name, *(function.name for function in attribute.list.func)]


def _computes(operation: str) -> bool:
    """Return whether an operation of TensorFlow only computes."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operation)
    return (
        definition is not None
        and operation not in _REFUSED
        and (not definition.is_stateful or operation in _STATE)
    )
