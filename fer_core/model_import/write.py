"""Write the bundle of a model from elsewhere."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles import model_card
from ..bundles.bundle import CARD, KERAS, ONNX_INFERENCE, Bundle, write_card
from ..bundles.classifier import Classifier
from ..emotions import NAMES
from ..errors import ModelError
from ..wording import printable
from . import formats
from .findings import Findings
from .input_values import SCALINGS, SIDE, prepare
from .network import Network, Plan
from .outputs import probabilities

_MAX_DIFFERENCE = 0.05  # of a probability; 8-bit networks round


def write_files(folder: Path, name: str, file: Path, network: Network, findings: Findings) -> None:
    """Write the files and the card of a bundle into an empty folder.

    Raises:
        ModelError: The network cannot be converted.
    """
    details = network.write(folder, Plan(findings.scaling, findings.classes, findings.kind))
    card = _card(name, file, findings) | details
    card["imported"]["works"] = works(folder)
    write_card(folder / CARD, card)
    _check_answers(Bundle(folder, card), network, findings)


def _check_answers(bundle: Bundle, network: Network, findings: Findings) -> None:
    """Check that a bundle answers as the network does.

    Raises:
        ModelError: It does not.
    """
    images = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE), np.uint8)
    outputs = network.run(prepare(images, network.shape, SCALINGS[findings.scaling]))
    expected = probabilities(outputs, findings.classes, findings.kind)
    difference = np.abs(Classifier(bundle).probabilities(images) - expected).max()
    if not difference <= _MAX_DIFFERENCE:
        raise ModelError(
            f"The converted network answers otherwise than the file (by up to {difference:.2f}), so it is "
            "not kept: try the file in another format."
        )


def works(folder: Path) -> str:
    """Return in a sentence what a bundle of a model from elsewhere can do."""
    if (folder / ONNX_INFERENCE).is_file():
        return (
            "ONNX Runtime answers: it can be evaluated, compared, and used for photos and videos; not in the "
            "browser (webcam), and without Grad-CAM, similar faces and further training."
        )
    if (folder / KERAS).is_file():
        return "Everything works, the webcam and Grad-CAM included; training can go on from it if layers fit."
    return (
        "It can be evaluated, compared, and used for photos, videos and the webcam; without a Keras file, "
        "not for Grad-CAM, similar faces and further training."
    )


def _card(name: str, file: Path, findings: Findings) -> dict[str, Any]:
    """Return the card without what depends on the format; it names no folder of the machine."""
    shape, words = findings.shape, findings.chosen_words()
    card: dict[str, Any] = {
        "name": name,
        "created": time.strftime("%Y-%m-%d"),
        "labels": list(NAMES),
        "truth": "labels",
        "input": {
            "shape": [48, 48, 1],
            "values": f"grey 0 to 255; inside, {shape.words()} of {SCALINGS[findings.scaling].title}",
        },
        "data": {"source": "unknown data", "format": "model from elsewhere", "fingerprint": None},
        "imported": {
            "file": " ".join(printable(file.name).split()),
            "sha256": _sha256(file),
            "format": findings.format,
            "outputs": list(findings.classes),
            "output_kind": findings.kind,
            "scaling": findings.scaling,
            "chosen": words,
            "tried_on": findings.source,
            "tries": [
                {
                    "input": one.scaling,
                    "order": one.title,
                    "classes": list(one.classes),
                    "accuracy": one.accuracy,
                    "log_loss": one.log_loss,
                    "images": one.images,
                }
                for one in findings.tries
            ],
        },
    }
    return card | model_card.sections(card) | {"licence": "not known: ask those who trained it"}


def _sha256(file: Path) -> str:
    """Return the hash of a file, or of the description in a SavedModel folder."""
    path = file / formats.SAVED_MODEL_FILE if file.is_dir() else file
    digest = hashlib.sha256()
    with open(path, "rb") as opened:
        while part := opened.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
