"""Process that reads a model file from elsewhere: `python -m fer_core.model_import.worker FOLDER`.

FOLDER has `request.json` and, where the network is to be tried, `faces.npz`. The process writes `result.json`
there, with the findings or the sentence of an error, and `progress` while it tries; a bundle goes into
FOLDER/bundle. It is bounded in memory and time, so that a file cannot take the machine.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FerError, ModelError
from ..storage import write_atomically
from .findings import GIVEN, IN_FILE, TRIED, Findings
from .input_values import AUTO, check_scaling
from .network import Network
from .open_network import open_network
from .outputs import check_finite, classes_of, kind_of
from .tries import Try, run_tries
from .write import write_files

REQUEST, FACES, RESULT, PROGRESS, BUNDLE, UNPACKED = (
    "request.json",
    "faces.npz",
    "result.json",
    "progress",
    "bundle",
    "unpacked",
)
MEMORY_MB = 6000
SECONDS = 600  # of the processor
_FILE_MB = 4000  # a file that it writes


def main() -> None:
    folder = Path(sys.argv[1])
    _bound()
    try:
        result: dict[str, Any] = {"findings": _work(folder).as_json()}
    except FerError as error:
        result = {"error": str(error)}
    except MemoryError:
        result = {"error": f"The model needs more than {MEMORY_MB / 1000:.0f} GB of memory."}
    write_atomically(folder / RESULT, json.dumps(result).encode(), durable=False)


def _bound() -> None:
    """Limit what this process may take, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    million = 1_000_000
    for kind, most in (
        (resource.RLIMIT_DATA, MEMORY_MB * million),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, _FILE_MB * million),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _work(folder: Path) -> Findings:
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    file = Path(request["file"])
    (folder / UNPACKED).mkdir(exist_ok=True)
    network = open_network(file, folder / UNPACKED)
    if request["findings"]:
        findings = Findings.from_json(request["findings"])
    else:
        findings = _look(network, request, folder)
    if request["name"]:
        (folder / BUNDLE).mkdir()
        write_files(folder / BUNDLE, request["name"], file, network, findings)
    return findings


def _look(network: Network, request: dict[str, Any], folder: Path) -> Findings:
    """Find out how the network takes its input and orders its classes, unless the request says it."""
    scaling, scaling_by = (
        (request["input"], GIVEN) if request["input"] != AUTO else (network.scaling, IN_FILE)
    )
    classes, classes_by = network.classes, IN_FILE
    if request["classes"] != AUTO:
        classes, classes_by = classes_of(request["classes"], network.count), GIVEN
    if scaling is not None:
        check_scaling(scaling, network.shape)
    tries: list[Try] = []
    if (folder / FACES).is_file():
        with np.load(folder / FACES, allow_pickle=False) as faces:
            tries, kind = run_tries(
                network,
                faces["images"],
                faces["labels"],
                [scaling] if scaling_by == GIVEN and scaling else None,
                classes if classes_by == GIVEN else None,
                lambda share: write_atomically(folder / PROGRESS, f"{share:.2f}".encode(), durable=False),
            )
        if scaling is None:
            scaling, scaling_by = tries[0].scaling, TRIED
        if classes is None:
            classes, classes_by = tries[0].classes, TRIED
    elif scaling is None or classes is None:
        raise ModelError(
            "The file does not say how the network takes its input and orders its classes: name labelled "
            "faces to find out on with --data SOURCE, or give both with --classes and --input."
        )
    else:
        kind = kind_of(_outputs_of_noise(network))
    return Findings(
        format=network.format,
        shape=network.shape,
        count=network.count,
        kind=kind,
        tries=tries,
        scaling=scaling,
        classes=classes,
        scaling_by=scaling_by,
        classes_by=classes_by,
        source=request["source"],
    )


def _outputs_of_noise(network: Network) -> np.ndarray:
    """Return the outputs for random images, which tell whether they are probabilities."""
    from .input_values import SCALINGS, prepare

    images = np.random.default_rng(0).integers(0, 256, (16, 48, 48), np.uint8)
    parts = [network.run(prepare(images, network.shape, SCALINGS[name])) for name in ("unit", "raw")]
    check_finite(np.concatenate(parts))
    return np.nan_to_num(np.concatenate(parts))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
