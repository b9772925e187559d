"""Commands that ask why a model errs: explain, robustness."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import FerError, ModelError
from .output import print_json, table

METHODS = ("grad-cam", "occlusion")


def explain(options: argparse.Namespace) -> None:
    from PIL import Image

    from ..bundle import find_bundle
    from ..explanation.heat import heat, scaled
    from ..inference import Predictor

    bundle = find_bundle(options.model)
    if options.out.suffix.lower() != ".png":
        raise FerError(f"{options.out} is to be a picture: expected a name that ends in .png.")
    predictor = Predictor(bundle)
    found = predictor.predict(Path(options.image), detect=not options.no_detect)
    if not found:
        raise FerError(
            f"No face was found on {options.image}: try --no-detect for a picture that is one face."
        )
    face = max(found, key=lambda face: face.box[2] * face.box[3])
    name = options.of or face.label
    if name not in bundle.labels:
        raise ModelError(f"{bundle.name} does not know {name!r}: expected one of {', '.join(bundle.labels)}.")
    which = bundle.labels.index(name)
    if options.method == "occlusion":
        from ..explanation.occlusion import occlusion_maps

        map = scaled(occlusion_maps(predictor.classifier, face.crop)[which])
    else:
        from ..explanation.grad_cam import GradCam

        map = GradCam(bundle).maps(face.crop[None])[0, which]
    Image.fromarray(heat(face.crop, map)).save(options.out)
    result = {
        "file": options.image,
        "model": bundle.name,
        "method": options.method,
        "class": name,
        "out": str(options.out),
    } | face.as_json()
    if options.json:
        return print_json(result)
    print(
        f"{options.out}: what speaks for {name} ({options.method}); {bundle.name} says {face.label} {face.confidence:.0%}"
    )


def robustness(options: argparse.Namespace) -> None:
    import numpy as np

    from ..bundle import find_bundle
    from ..data import open_dataset
    from ..data.dataset import stratified
    from ..evaluation.scoring import score
    from ..robustness import robustness as measured
    from ..robustness.corruptions import LEVELS

    bundle, dataset = find_bundle(options.model), open_dataset(options.data)
    scored = score(bundle, dataset, options.split)
    chosen = stratified(scored.true, options.images)
    key = measured.key(scored.record, chosen)
    result = measured.load(bundle, key)
    if result is None:
        images = np.asarray(dataset.images[scored.indices[chosen]])
        result = measured.robustness(bundle, images, scored.true[chosen], dataset.label_names)
        assert result is not None  # nobody can cancel it here
        measured.save(bundle, key, result)
    if options.json:
        corruptions: dict[str, Any] = {
            name: {"accuracy": result.accuracies(name), "ci95": result.intervals(name)}
            for name in result.right
        }
        return print_json(
            {
                "model": bundle.name,
                "source": options.data,
                "split": options.split,
                "count": result.count,
                "clean_accuracy": result.clean_accuracy,
                "mean_accuracy": result.mean_accuracy,
                "corruptions": corruptions,
            }
        )
    print(f"{bundle.name} on {result.count:,} {options.split} images of {options.data}")
    print(
        f"clean {result.clean_accuracy:.1%}, mean over all corruptions and levels {result.mean_accuracy:.1%}\n"
    )
    rows = [
        [name, *(f"{share:.0%}" for share in result.accuracies(name)), f"{result.mean(name):.1%}"]
        for name in result.worst_first
    ]
    print(table(["corruption", *(f"level {level}" for level in LEVELS), "mean"], rows))
