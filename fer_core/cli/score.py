"""The command score: classify millions of faces or photos to Parquet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..wording import plural
from .arguments import MODELS, SOURCES, Commands, add_label_options, positive_int
from .output import print_json

if TYPE_CHECKING:
    from ..scale.job import Job
    from ..scale.part_folder import PartResult


def add_commands(commands: Commands) -> None:
    parser = commands.add(
        "score",
        score,
        "Classify millions of faces or photos to Parquet; run again to resume.",
    )
    parser.add_argument("source", metavar="SOURCE", help=SOURCES + ", or a folder or zip of photos")
    add_label_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the parts")
    parser.add_argument("--model", metavar="NAME|PATH", help=MODELS)
    kinds = parser.add_mutually_exclusive_group()
    for kind, what in (
        ("faces", "each picture is one face, 48x48 grey"),
        ("photos", "faces are looked for on each picture"),
    ):
        kinds.add_argument(
            f"--{kind}",
            dest="kind",
            action="store_const",
            const=kind,
            help=f"{what} (left out: class folders and tables are faces)",
        )
    parser.add_argument("--workers", type=positive_int, metavar="N", help="processes (default: one a core)")
    parser.add_argument(
        "--part-size",
        type=positive_int,
        metavar="N",
        help="faces or photos a file (default: by the size of the source)",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work through Ray: local, or a cluster's address such as auto or HOST:6379",
    )


def score(options: argparse.Namespace) -> None:
    from ..scale import score as score_source

    bar = _Bar()
    try:
        summary = score_source(
            options.source,
            options.out,
            options.model,
            kind=options.kind,
            workers=options.workers,
            ray=options.ray,
            part_size=options.part_size,
            on_begin=bar.begin,
            on_part=bar.part,
        )
    finally:
        bar.close()
    if options.json:
        return print_json(summary.as_json())
    what = plural(summary.items, summary.kind.removesuffix("s"))
    before = f", {summary.parts_before:,} of them before" if summary.parts_before else ""
    print(
        f"{summary.out}: {what} by {summary.model} in {plural(summary.parts, 'part')}{before}, "
        f"{summary.bytes:,} bytes, in {summary.seconds:,.0f} s"
    )
    if summary.kind == "photos":
        print(plural(summary.rows - summary.errors, "face"))
    if summary.errors:
        print(f"{plural(summary.errors, 'row')} without an answer; the column error says why")


class _Bar:
    """A bar over the items on stderr."""

    def __init__(self) -> None:
        self._bar = None

    def begin(self, job: Job, done: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=job.source.count,
            initial=done,
            unit=" photos" if job.source.kind == "photos" else " faces",
            file=sys.stderr,
            mininterval=0.5,
        )

    def part(self, result: PartResult) -> None:
        if self._bar is not None:
            self._bar.update(result.items)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
