"""The command score: millions of faces or photos to parquet."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .output import print_json

if TYPE_CHECKING:
    from ..scale.job import Job
    from ..scale.part_folder import PartResult


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
    what = f"{summary.items:,} {summary.kind}"
    before = f", {summary.parts_before:,} of them before" if summary.parts_before else ""
    print(
        f"{summary.out}: {what} by {summary.model} in {summary.parts:,} parts{before}, {summary.bytes:,} bytes, in {summary.seconds:,.0f} s"
    )
    if summary.kind == "photos":
        print(f"{summary.rows - summary.errors:,} faces")
    if summary.errors:
        print(f"{summary.errors:,} rows without an answer; the column error says why")


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
