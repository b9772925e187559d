"""The commands evaluate, robustness and explain."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FerError, ModelError
from ..storage import write_atomically
from ..wording import plural, times
from .arguments import (
    MODELS,
    PHOTO_MODELS,
    SOURCES,
    Commands,
    add_label_options,
    positive_int,
    read_named_votes,
)
from .output import print_json, print_notes, table

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.vote_counts import Votes
    from ..evaluation.comparison import Comparison
    from ..evaluation.record import EvaluationRecord
    from ..metrics.classification import Evaluation

METHODS = ("grad-cam", "occlusion")


def add_commands(commands: Commands) -> None:
    parser = commands.add("evaluate", evaluate, "Score a model on labelled images.")
    parser.add_argument("--model", metavar="NAME|PATH", help=MODELS)
    parser.add_argument("--data", metavar="SOURCE", required=True, help=SOURCES)
    add_label_options(parser)
    parser.add_argument("--split", choices=("test", "validation", "train"), default="test")
    parser.add_argument(
        "--truth",
        choices=("labels", "votes"),
        help="votes: what most FER+ voters chose (default: as the model was trained)",
    )
    parser.add_argument(
        "--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)"
    )
    parser.add_argument(
        "--tta",
        choices=("none", "flip", "off"),
        default="none",
        help="flip: average over each image and its mirror image; off: one view, without the others that a "
        "model has inside",
    )
    parser.add_argument(
        "--save", action="store_true", help="also save figures and predictions in a shipped model's bundle"
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="another model to compare with; repeatable",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="score the answers in a CSV or npz (of another tool or a person) instead of a model's",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write all of it as one HTML page")

    parser = commands.add(
        "robustness", robustness, "Score a model on corrupted images, in the manner of ImageNet-C."
    )
    parser.add_argument("--model", metavar="NAME|PATH", help=MODELS)
    parser.add_argument("--data", metavar="SOURCE", required=True, help=SOURCES)
    add_label_options(parser)
    parser.add_argument("--split", choices=("validation", "test", "train"), default="validation")
    parser.add_argument(
        "--images",
        type=positive_int,
        default=500,
        metavar="N",
        help="how many, each class with its share (default: 500)",
    )

    parser = commands.add("explain", explain, "Show where a model looks on a face, as a picture.")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--model", metavar="NAME|PATH", help=PHOTO_MODELS)
    parser.add_argument("--method", choices=METHODS, default="grad-cam")
    parser.add_argument("--of", metavar="CLASS", help="class to explain (default: the predicted one)")
    parser.add_argument("--no-detect", action="store_true", help="take the whole picture as one face")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG")


def evaluate(options: argparse.Namespace) -> None:
    import numpy as np

    from ..bundles.bundle import find_bundle
    from ..data import open_dataset
    from ..evaluation.comparison import compare_records
    from ..evaluation.scoring import score, test_uses
    from ..metrics.classification import figures

    if options.predictions and (options.model or options.save or options.tta != "none"):
        options.usage_error("--predictions scores a file: leave --model, --save and --tta out")
    bundle = None if options.predictions else find_bundle(options.model)
    dataset = open_dataset(options.data)
    data_notes = print_notes(dataset)
    truth = options.truth or ("labels" if bundle is None else bundle.card.get("truth", "labels"))
    votes = read_named_votes(options, dataset) if truth == "votes" else None
    if bundle is None:
        record, notes = _answers(options, dataset, votes)
        data_notes += notes
        result = _figures_of(record)
    else:
        scored = score(bundle, dataset, options.split, options.tta, votes=votes, save=options.save or None)
        record, result = scored.record, scored.evaluation
    others = [
        score(find_bundle(name), dataset, options.split, options.tta, votes=votes).record
        for name in options.against
    ]
    if bundle is None:  # the file may have answers for some of the images
        others = [other.only(np.isin(other.rows, record.rows)) for other in others]
    compared = [compare_records(record, other, len(others)) for other in others]
    if options.report:
        _write_report(options, record, dataset, others)
    if options.json:
        head = {
            "model": record.model,
            "source": options.data,
            "split": options.split,
            "tta": options.tta,
            "truth": truth,
            "fingerprint": dataset.fingerprint,
            "notes": data_notes,
        }
        against = (
            {
                "against": [
                    _as_json(other.model, comparison)
                    for other, comparison in zip(others, compared, strict=True)
                ]
            }
            if others
            else {}
        )
        return print_json(head | figures(result) | against)
    low, high = result.accuracy_ci95
    agreed = " on which FER+ voters agree" if votes else ""
    print(f"{record.model} on {options.split} of {options.data}: {result.count:,} images{agreed}")
    print(f"accuracy  {result.accuracy:.2%}  (95% interval {low:.2%} to {high:.2%})")
    if result.leaked:
        print(
            f"          {result.accuracy_without_leaked:.2%}  without the "
            f"{plural(result.leaked, 'image')} that also "
            f"{'occurs' if result.leaked == 1 else 'occur'} in train"
        )
    print(f"macro F1  {result.macro_f1:.3f}")
    print(f"expected calibration error  {result.calibration_error:.2%}")
    if options.split == "test":
        print(
            f"The test split of these data has been used {times(test_uses(dataset))} on this machine: "
            "choose models on validation."
        )
    print()
    rows = [
        [n, f"{f.precision:.1%}", f"{f.recall:.1%}", f"{f.f1:.3f}", f"{f.support:,}"]
        for n, f in result.per_class.items()
    ]
    print(table(["class", "precision", "recall", "F1", "support"], rows))
    print("\nconfusion matrix (rows true, columns predicted)")
    print(
        table(
            ["", *result.labels],
            [[n, *map(str, row)] for n, row in zip(result.labels, result.confusion_matrix, strict=True)],
        )
    )
    for other, comparison in zip(others, compared, strict=True):
        print(f"\n{comparison.sentence(record.model, other.model)}")
    if options.report:
        print(f"\n{options.report}: the report")


def _answers(
    options: argparse.Namespace, dataset: Dataset, votes: Votes | None
) -> tuple[EvaluationRecord, list[str]]:
    """Return the evaluation of a file of answers, and notes on it."""
    from ..evaluation.predictions import as_record, read_predictions
    from ..evaluation.scoring import record_use

    predictions = read_predictions(options.predictions, dataset, options.split)
    for note in predictions.notes:
        print(f"note: {note}", file=sys.stderr)
    record = as_record(predictions, dataset, options.split, votes)
    if options.split == "test":
        record_use(predictions.name, dataset, "none")
    return (record if votes is None else record.by_votes()), list(predictions.notes)


def _figures_of(record: EvaluationRecord) -> Evaluation:
    from ..metrics.classification import evaluate

    return evaluate(record.probabilities, record.true, record.labels, leaked=record.leaked)


def _write_report(
    options: argparse.Namespace, record: EvaluationRecord, dataset: Dataset, others: list[EvaluationRecord]
) -> None:
    from ..report.evaluation import evaluation_report

    command = shlex.join(["python", "-m", "fer_core", *sys.argv[1:]])
    page = evaluation_report(record, dataset, others, command=command)
    write_atomically(options.report, page.encode())


def _as_json(other: str, comparison: Comparison) -> dict[str, Any]:
    return {
        "model": other,
        "accuracy": comparison.accuracy_b,
        "difference": comparison.difference,
        "difference_ci95": list(comparison.interval),
        "p_value": comparison.p_value,
        "noise": comparison.noise,
        "only_first_right": len(comparison.only_a),
        "only_other_right": len(comparison.only_b),
    }


def robustness(options: argparse.Namespace) -> None:
    import numpy as np

    from ..bundles.bundle import find_bundle
    from ..data import open_dataset
    from ..data.dataset import stratified
    from ..evaluation.scoring import score
    from ..robustness import robustness as measured
    from ..robustness.corruptions import LEVELS

    bundle, dataset = find_bundle(options.model), open_dataset(options.data)
    print_notes(dataset)
    scored = score(bundle, dataset, options.split)
    chosen = stratified(scored.true, options.images)
    key = measured.key(scored.record, chosen)
    result = measured.load(bundle, key)
    if result is None:
        images = np.asarray(dataset.images[scored.indices[chosen]])
        result = measured.robustness(bundle, images, scored.true[chosen], dataset.label_names)
        assert result is not None  # it is None only if it was cancelled
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
        f"clean {result.clean_accuracy:.1%}, mean over all corruptions and levels "
        f"{result.mean_accuracy:.1%}\n"
    )
    rows = [
        [name, *(f"{share:.0%}" for share in result.accuracies(name)), f"{result.mean(name):.1%}"]
        for name in result.worst_first
    ]
    print(table(["corruption", *(f"level {level}" for level in LEVELS), "mean"], rows))


def explain(options: argparse.Namespace) -> None:
    from PIL import Image

    from ..bundles.bundle import PHOTO_MODEL, find_bundle
    from ..explanation.heat import heat, scaled
    from ..inference import Predictor

    bundle = find_bundle(options.model or PHOTO_MODEL)
    if options.out.suffix.lower() != ".png":
        raise FerError(f"{options.out} is to be a picture: expected a name that ends in .png.")
    predictor = Predictor(bundle)
    faces = predictor.predict(Path(options.image), detect=not options.no_detect)
    if not faces:
        raise FerError(
            f"No face was found on {options.image}: try --no-detect for a picture that is one face."
        )
    face = max(faces, key=lambda face: face.box[2] * face.box[3])
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
        "box": list(face.box),
        "score": face.score,
        "label": face.label,
        "probabilities": face.probabilities,
    }
    if options.json:
        return print_json(result)
    print(
        f"{options.out}: what speaks for {name} ({options.method}); {bundle.name} says {face.label} "
        f"{face.confidence:.0%}"
    )
