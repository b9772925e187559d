"""The command adapt."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from ..emotions import NAMES
from ..keras_import import import_keras
from ..wording import plural
from .arguments import MODELS, Commands
from .output import print_json, table


def add_commands(commands: Commands) -> None:
    parser = commands.add(
        "adapt", adapt, "Learn a new output layer for a model from a folder of labelled photos."
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME|PATH",
        help=f"{MODELS}; repeat it to learn from the features of several",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        metavar="DIR",
        help="photos in a folder for each class, or with labels.csv (columns image and emotion); a file's "
        "name up to its number tells the person",
    )
    parser.add_argument("--name", required=True, metavar="NAME", help="the name of the new model")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the folder of the new model (default: NAME among your models)",
    )
    parser.add_argument(
        "--untrusted",
        action="append",
        default=[],
        choices=NAMES,
        help="a class whose labels are mostly wrong: it keeps the model's own output; repeatable",
    )


def adapt(options: argparse.Namespace) -> None:
    from ..adaptation.labelled_photos import read_labelled_photos
    from ..bundles.bundle import DEFAULT_MODEL, find_bundle, own_models_dir, read_bundle
    from ..inference.predict import Predictor
    from ..runs.command import repeatable_path
    from ..runs.manage import check_name

    check_name(options.name)
    models = options.model or [DEFAULT_MODEL]
    bundles = [find_bundle(model) for model in models]
    out = (options.out or own_models_dir() / options.name).resolve()
    photos = read_labelled_photos(options.photos, Predictor(bundles[0]))
    print(
        f"Learning from {plural(int(photos.found.sum()), 'face')} in {plural(len(photos.files), 'photo')}, "
        f"cross-validated over {len(set(photos.people)):,} people ...",
        file=sys.stderr,
    )
    words = [word for model in models for word in ("--model", repeatable_path(model))]
    words += ["--photos", options.photos.name, "--name", options.name]
    words += [word for label in options.untrusted for word in ("--untrusted", label)]
    import_keras()
    from ..adaptation.adapt import adapt

    command = "python -m fer_core adapt " + shlex.join(words)
    adapt(bundles, photos, out, name=options.name, untrusted=options.untrusted, command=command)
    card = read_bundle(out).card
    if options.json:
        return print_json({"bundle": str(out), "adapted": card["adapted"], "figures": card["figures"]})
    print(f"{out}: output layer for {', '.join(card['adapted']['learned'])}\n")
    print(
        table(["figures by person", "accuracy", "mean recall", "log loss", "calibration error"], _rows(card))
    )


def _rows(card: dict[str, Any]) -> list[list[str]]:
    learned = card["adapted"]["learned"]
    return [
        [
            part,
            "{:.1%} ({:.1%} to {:.1%})".format(figures["accuracy"], *figures["accuracy_ci95"]),
            f"{sum(figures['per_class'][name]['recall'] for name in learned) / len(learned):.1%}",
            f"{figures['log_loss']:.3f}",
            f"{figures['calibration_error']:.1%}",
        ]
        for part, figures in card["figures"].items()
    ]
