"""Give a model an output layer that was learned from labelled photos."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..bundles import model_card
from ..bundles.bundle import CARD, INFERENCE, PROBABILITIES, Bundle, write_card
from ..bundles.ensemble import members_of, training_of
from ..bundles.export import load_keras
from ..bundles.first_weights import first_weights_of
from ..bundles.graph import networks_of, shipped_graph
from ..bundles.layer_table import layer_table, multiply_adds
from ..bundles.litert import check_converter, export_litert, quantisation
from ..bundles.write import new_folder, write_models
from ..config import AugmentConfig, Quantisation
from ..data.augment import augment
from ..emotions import NAMES
from ..errors import ModelError
from ..inference.features import FeatureExtractor
from ..metrics.calibration import cross_entropy
from ..metrics.classification import evaluate, figures
from .labelled_photos import LabelledPhotos
from .output_layer import FOLDS, OutputLayer, learn_output_layer

MIN_FACES = 30  # of a class, below which it keeps the model's own output
# Faces are cut a little differently each time. With two changed copies of each, the layer on `best` and a
# MobileNet was right on 78.4% of the 838 photos of shared/photos rather than 77.4%.
_COPIES = 3
_CHANGES = AugmentConfig(rotation=10, shift=0.04, zoom=0.12)
# The enlarged middle, which helps on FER2013, costs two points on these photos.
_VIEWS = {"mirror": True, "zoom": False}


def adapt(
    bundles: Sequence[Bundle],
    photos: LabelledPhotos,
    path: Path,
    *,
    name: str,
    untrusted: Sequence[str] = (),
    command: str = "",
) -> None:
    """Write a bundle with the networks of `bundles` and an output layer that is learned from `photos`.

    The networks stay as they are. Their features, averaged over each face and its mirror image, become the
    input of a logistic regression; see `output_layer`. Classes with fewer than MIN_FACES faces keep the
    networks' own output. The layer is spread over the networks, so that the mean of their logits, which a
    bundle computes, is its answer.

    Args:
        photos: Some hundred faces at least.
        path: The folder of the new bundle.
        untrusted: Classes whose photos are not learned from, since their labels are mostly wrong; they keep
            the model's own output.
        command: The shell command of this call, for the card.

    Raises:
        ModelError: `path` holds something; a bundle has other classes; or Keras runs on another backend than
            TensorFlow.
        DataError: Too few photos have a face.
    """
    check_converter()
    if path.exists() and any(path.iterdir()):
        raise ModelError(f"{path} holds something already, which would be lost: name another folder.")
    for bundle in bundles:
        if bundle.labels != NAMES:
            raise ModelError(
                f"{bundle.name} has the classes {', '.join(bundle.labels)}: expected {', '.join(NAMES)}."
            )
    weights_in = quantisation(bundles[0].card)
    networks = [network for bundle in bundles for network in networks_of(load_keras(bundle))]
    classifiers = [network.get_layer("predictions") for network in networks]
    own = [layer.get_weights() for layer in classifiers]
    counts = np.bincount(photos.labels[photos.found], minlength=len(NAMES))
    learned = [i for i, label in enumerate(NAMES) if counts[i] >= MIN_FACES and label not in untrusted]
    layer = learn_output_layer(
        _features(networks, weights_in, photos.faces),
        (
            np.concatenate([weights for weights, _ in own]) / len(own),
            np.mean([bias for _, bias in own], axis=0),
        ),
        photos.labels,
        photos.people,
        learned,
        photos.trusted(untrusted),
    )
    ends = np.cumsum([len(weights) for weights, _ in own])[:-1]
    for classifier, weights in zip(classifiers, np.split(layer.weights, ends), strict=True):
        classifier.set_weights([len(own) * weights, layer.bias])
    graph = shipped_graph(networks, **_VIEWS, temperature=layer.temperature)
    with new_folder(path) as folder:
        write_models(folder, graph, weights_in)
        np.savez_compressed(folder / PROBABILITIES, validation=layer.out_of_fold.astype(np.float32))
        write_card(
            folder / CARD, _card(name, bundles, graph, networks, layer, photos, learned, untrusted, command)
        )


def _features(networks: Sequence[keras.Model], weights_in: Quantisation, faces: np.ndarray) -> np.ndarray:
    """Return (K, N, F) features of the faces and of changed copies, as an inference file computes them."""
    rng = np.random.default_rng(0)
    copies = [faces]
    copies += [np.rint(augment(faces, _CHANGES, rng)).astype(np.uint8) for _ in range(_COPIES - 1)]
    with tempfile.TemporaryDirectory() as folder:
        export_litert(shipped_graph(networks, **_VIEWS), Path(folder) / INFERENCE, weights_in)
        extractor = FeatureExtractor(Bundle(Path(folder), {"labels": list(NAMES)}))
        if extractor.size != sum(network.get_layer("features").output.shape[-1] for network in networks):
            # The converter computes what two networks share only once.
            raise ModelError("Two of the models have the same features: name one of them.")
        return np.stack([extractor.features(copy) for copy in copies])


def _card(
    name: str,
    bundles: Sequence[Bundle],
    graph: keras.Model,
    networks: Sequence[keras.Model],
    layer: OutputLayer,
    photos: LabelledPhotos,
    learned: Sequence[int],
    untrusted: Sequence[str],
    command: str,
) -> dict[str, Any]:
    first = bundles[0].card
    counts = np.bincount(photos.labels, minlength=len(NAMES))
    names = [NAMES[i] for i in learned]
    inherited = ("labels", "truth", "input", "quantisation", "data", "config")
    card = (
        {key: first[key] for key in inherited if key in first}
        | _VIEWS
        | {
            "name": name,
            "created": time.strftime("%Y-%m-%d"),
            "parameters": sum(int(network.count_params()) for network in networks),
            "multiply_adds": multiply_adds(graph),
            "temperature": layer.temperature,
            "training": training_of(bundles),
            "command": command,
            "first_weights": first_weights_of(bundles),
            "members": members_of(bundles) if len(networks) > 1 else [],
            "adapted": {
                "from": [bundle.name for bundle in bundles],
                "photos": int(photos.found.sum()),
                "without_face": int((~photos.found).sum()),
                "people": len(np.unique(photos.people)),
                "by_class": {label: int(count) for label, count in zip(NAMES, counts, strict=True)},
                "learned": names,
                "untrusted": list(untrusted),
                "folds": min(FOLDS, len(np.unique(photos.people))),
                "strength": layer.strength,
                "shift": layer.shift,
            },
            "figures": _figures(layer.out_of_fold, photos, untrusted),
            "layers": layer_table(graph),
        }
    )
    sections = model_card.sections(card)
    sections["limits"] = [
        *sections["limits"],
        f"Its output layer was learned from {int(photos.found.sum())} photos with one judgement each, for "
        f"{', '.join(names)}; it answers as the people who judged them do, and agrees less "
        "often with FER2013's labels.",
    ]
    return card | sections


def _figures(probabilities: np.ndarray, photos: LabelledPhotos, untrusted: Sequence[str]) -> dict[str, Any]:
    """Return the figures by person, "photos", and those without the classes whose labels are not trusted."""
    parts = {"photos": photos.found}
    if untrusted:
        parts[f"photos without {' and '.join(untrusted)}"] = photos.trusted(untrusted)
    return {
        part: figures(evaluate(probabilities[chosen], photos.labels[chosen], NAMES))
        | {"log_loss": cross_entropy(probabilities[chosen], photos.labels[chosen])}
        for part, chosen in parts.items()
    }
