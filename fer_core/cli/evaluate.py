"""Commands that use a model: evaluate, export."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from ..storage import write_atomically
from .output import print_json, read_named_votes, table

if TYPE_CHECKING:
    from ..data import Dataset
    from ..evaluation.comparison import Comparison
    from ..evaluation.record import EvaluationRecord


def evaluate(options: argparse.Namespace) -> None:
    from ..bundle import find_bundle
    from ..data import open_dataset
    from ..evaluation.comparison import compare_records
    from ..evaluation.metrics import figures
    from ..evaluation.scoring import score, test_uses

    bundle = find_bundle(options.model)
    dataset = open_dataset(options.data)
    truth = options.truth or bundle.card.get("truth", "labels")
    votes = read_named_votes(options, dataset) if truth == "votes" else None
    scored = score(bundle, dataset, options.split, options.tta, votes=votes, save=options.save or None)
    result = scored.evaluation
    others = [
        score(find_bundle(name), dataset, options.split, options.tta, votes=votes).record
        for name in options.against
    ]
    compared = [compare_records(scored.record, other, len(others)) for other in others]
    if options.report:
        _write_report(options, scored.record, dataset, others)
    if options.json:
        head = {
            "model": bundle.name,
            "source": options.data,
            "split": options.split,
            "tta": options.tta,
            "truth": truth,
            "fingerprint": dataset.fingerprint,
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
    print(f"{bundle.name} on {options.split} of {options.data}: {result.count:,} images{agreed}")
    print(f"accuracy  {result.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
    if result.leaked:
        print(
            f"          {result.accuracy_without_leaked:.2%}  without the {result.leaked:,} images that also stand in train"
        )
    print(f"macro F1  {result.macro_f1:.3f}")
    print(f"expected calibration error  {result.calibration_error:.2%}")
    if options.split == "test":
        print(
            f"The test split of these data has been used {test_uses(dataset):,} times on this machine: choose models on validation."
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
        print(f"\n{comparison.sentence(bundle.name, other.model)}")
    if options.report:
        print(f"\n{options.report}: the report")


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


def export(options: argparse.Namespace) -> None:
    from ..bundle import find_bundle
    from ..export import export

    start = time.monotonic()
    bundle = find_bundle(options.model)
    export(bundle, options.format, options.out)
    size = options.out.stat().st_size
    if options.json:
        return print_json(
            {"model": bundle.name, "format": options.format, "out": str(options.out), "bytes": size}
        )
    print(
        f"{options.out}: {bundle.name} as {options.format}, {size:,} bytes, in {time.monotonic() - start:.1f} s"
    )
