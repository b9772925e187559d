"""Model bundles: folders with a model, its light inference file and its card."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from ..errors import ModelError, TrainingError
from ..foreign_json import read_json
from ..resources import INSTALLED, MODELS_DIR
from ..storage import own_models_folder, write_atomically
from .card_values import as_dict

KERAS = "model.keras"
INFERENCE = "model.tflite"
ONNX_INFERENCE = "model.onnx"  # of a model from elsewhere that cannot be a LiteRT file
CARD = "card.json"
PROBABILITIES = "probabilities.npz"  # of the validation images, in the order of the data

# Of files that `import-model` reads, see model_import/formats.py.
MODEL_SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite", ".onnx")

_MOST_LABELS, _LONGEST_NAME = 1000, 100  # of the classes on a card

DEFAULT_MODEL = "standard"
# The default for photos, videos and the webcam: its output layer was learned from photos
# (docs/reference/models.md).
PHOTO_MODEL = "photo"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk with its card read."""

    path: Path
    card: dict[str, Any]

    @property
    def name(self) -> str:
        name = self.card.get("name")
        return name if isinstance(name, str) and _is_name(name) else self.path.name

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.card["labels"])

    @property
    def keras_file(self) -> Path:
        return self.path / KERAS

    @property
    def inference_file(self) -> Path:
        """Return the file that answers: LiteRT, or ONNX where a bundle has only that."""
        onnx = self.path / ONNX_INFERENCE
        return onnx if onnx.is_file() and not (self.path / INFERENCE).is_file() else self.path / INFERENCE

    @property
    def runs_onnx(self) -> bool:
        """Return whether ONNX Runtime answers, which offers less than LiteRT: see `card["imported"]`."""
        return self.inference_file.name == ONNX_INFERENCE


def model_sha256(bundle: Bundle) -> str:
    """Return a hash of the inference file and the label names, on which the answers depend."""
    digest = hashlib.sha256(bundle.inference_file.read_bytes())
    digest.update("\0".join(bundle.labels).encode())
    return digest.hexdigest()


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write a card as JSON, atomically."""
    write_atomically(path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def views_inside(card: dict[str, Any]) -> int:
    """Return how many views of each image a model averages: itself, its mirror image, and both enlarged."""
    return (2 if card.get("mirror") is True else 1) * (2 if card.get("zoom") is True else 1)


def check_no_ensemble(name: str, networks: int) -> None:
    """Check that the model `name` has one network, so that a run can start from its weights.

    Raises:
        TrainingError: The model is an ensemble.
    """
    if networks != 1:
        raise TrainingError(
            f"{name} is an ensemble of {networks} networks: start from a model that is one network."
        )


def missing_keras(bundle: Bundle) -> str:
    """Return a sentence on a bundle without a Keras file."""
    if imported := as_dict(bundle.card, "imported"):
        return (
            f"{bundle.name} came as {_a(imported)} file, without the Keras layers that this needs: import "
            "its Keras file."
        )
    return f"This needs {bundle.keras_file}, which is missing: make the bundle again with the command bundle."


def _a(imported: dict[str, Any]) -> str:
    """Return the format of a model from elsewhere with its article."""
    format = str(imported.get("format", "other"))
    return f"{'an' if format[0] in 'Oo' else 'a'} {format}"


def check_has_layers(bundle: Bundle) -> None:
    """Check that a model from elsewhere has Keras layers, so that a run can start from its weights.

    Raises:
        TrainingError: It came as another file.
    """
    if not bundle.keras_file.is_file():
        raise TrainingError(
            f"{bundle.name} came as {_a(as_dict(bundle.card, 'imported'))} file, which has no Keras layers "
            "that training could go on from: import its Keras file, or let it teach the run with --teacher."
        )


def own_models_dir() -> Path:
    """Return the folder of the user's own models: FER_MODELS_DIR, else `models/` in a checkout or the user's
    data folder."""
    default = Path(platformdirs.user_data_dir("fer-explorer")) / "models" if INSTALLED else MODELS_DIR
    return own_models_folder() or Path(os.environ.get("FER_MODELS_DIR") or default).resolve()


def is_shipped(bundle: Bundle) -> bool:
    """Return whether a bundle comes with FER Explorer."""
    own = bundle.card.get("promoted") or bundle.card.get("imported")
    return bundle.path.resolve().parent == MODELS_DIR and not own


def read_bundle(path: Path) -> Bundle:
    """Read the bundle in `path`.

    Raises:
        ModelError: There is none, or its card is damaged.
    """
    try:
        state = (path / CARD).stat()
        card = _card(path / CARD, state.st_mtime_ns, state.st_size, state.st_ino)
    except FileNotFoundError:
        raise ModelError(
            f"{path} is not a model bundle: expected a folder with {CARD} and {KERAS}."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"The card {path / CARD} cannot be read: {error}.") from None
    labels = card.get("labels") if isinstance(card, dict) else None
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, str) for label in labels)
        or not 0 < len(set(labels)) == len(labels)
    ):
        raise ModelError(f"The card {path / CARD} lacks a list of different label names.")
    if len(labels) > _MOST_LABELS or not all(map(_is_name, labels)):
        raise ModelError(
            f"The card {path / CARD} has label names that cannot be shown: expected at most {_MOST_LABELS}, "
            f"each of 1 to {_LONGEST_NAME} printable characters."
        )
    for part in ("data", "figures", "training", "config"):
        if not isinstance(card.get(part, {}), dict):
            raise ModelError(
                f"The card {path / CARD} is damaged: {part} holds {str(card[part])[:40]!r} instead of an "
                "object."
            )
    return Bundle(path, card)


def _is_name(text: str) -> bool:
    """Return whether a name from a card can be shown: no control characters, and none that turn the text."""
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable()


@functools.lru_cache(maxsize=64)  # pages list all models in each run; nobody changes a card in memory
def _card(path: Path, modified: int, size: int, inode: int) -> Any:
    return read_json(path)


def shipped() -> list[Bundle]:
    """List the bundles that come with FER Explorer: the default first, the published networks last."""
    bundles = [bundle for bundle in _bundles(MODELS_DIR) if is_shipped(bundle)]
    return sorted(bundles, key=lambda bundle: bundle.path.name.startswith("baseline-"))


def own_models() -> list[Bundle]:
    """List the user's own bundles by name."""
    return [bundle for bundle in _bundles(own_models_dir()) if not is_shipped(bundle)]


def _bundles(parent: Path) -> list[Bundle]:
    # A name with a dot is of a copy that was not finished.
    folders = (
        [p for p in parent.iterdir() if not p.name.startswith(".") and (p / CARD).is_file()]
        if parent.is_dir()
        else []
    )
    bundles = []
    for path in sorted(folders, key=lambda p: (p.name != DEFAULT_MODEL, p.name)):
        with contextlib.suppress(ModelError):  # a damaged one does not hide the others
            bundles.append(read_bundle(path))
    return bundles


def find_bundle(model: str | None = None) -> Bundle:
    """Find the bundle that `model` names: None or "default", a shipped name, a bundle's folder, or a run's
    folder.

    Raises:
        ModelError: There is none; the message lists the shipped ones.
    """
    if model is None or model == "default":
        model = DEFAULT_MODEL
    for parent in (MODELS_DIR, own_models_dir()):
        if (parent / model / CARD).is_file() and Path(model).name == model:
            return read_bundle(parent / model)
    path = Path(model)
    if (path / CARD).is_file():
        return read_bundle(path)
    if (path / "bundle" / CARD).is_file():
        return read_bundle(path / "bundle")
    if (path / "config.json").is_file():
        raise ModelError(
            f"The run {path} has no model yet: let it finish, stop it, or resume it with train --resume "
            f"{path}."
        )
    if (path.suffix.lower() in MODEL_SUFFIXES and path.is_file()) or (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{model} is a model from elsewhere: make a bundle of it with import-model {model} --name NAME, "
            "and then use that name."
        )
    names = ", ".join(bundle.path.name for bundle in [*shipped(), *own_models()]) or "none"
    raise ModelError(
        f"There is no model {model!r}: expected a shipped name or that of one of your models ({names}), "
        "a bundle folder or a run folder."
    )
