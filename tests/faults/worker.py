"""Process that forks children to be killed: `python -m tests.faults.worker JOB FOLDER`.

Each line on stdin starts one, whose number it prints. A child does its job repeatedly and appends a line to
FOLDER/done each time that the result is safe. A forked child begins its work within a millisecond, so that
kills interrupt the work and not the imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from fer_core.bundles.bundle import find_bundle
from fer_core.data import Dataset, open_dataset, recipe
from fer_core.evaluation import record
from fer_core.quality.verdicts import Verdicts
from fer_core.runs.manage import promote
from fer_core.runs.run_folder import HISTORY_COLUMNS, RunFolder
from fer_core.storage import write_atomically

COUNT = 350


@cache
def _data() -> Dataset:
    return open_dataset(f"synthetic:{COUNT}:0")


def verdicts(folder: Path, first: int) -> Iterator[int]:
    """Give one verdict after the other on the images of a data set."""
    given = Verdicts(_data(), folder / "verdicts.sqlite")
    for number in range(first, 10**9):
        given.give([number % COUNT], "wrong" if number % 2 else "right", "happy" if number % 2 else None)
        yield number


def saving(folder: Path, first: int) -> Iterator[int]:
    """Write the files of a run, an evaluation and a variant again with a new number in each."""
    run = RunFolder(folder / "run")
    bundle = find_bundle(str(folder / "bundle"))
    (stored,) = list(record.stored(bundle))[:1]
    for number in range(first, 10**9):
        row = dict.fromkeys(HISTORY_COLUMNS, float(number)) | {"accuracy": 0.5, "val_accuracy": 0.5}
        run.write_history([row] * (1 + number % 50))
        run.write_status("running", str(number))
        stored.brightness[:] = number
        record.store(stored, bundle, "kept.npz", inside=True)
        write_atomically(folder / f"variant{recipe.SUFFIX}", _recipe(number))
        yield number


def _recipe(number: int) -> bytes:
    import json

    made = recipe.Recipe("fer.csv", "00ff", {row: str(number) for row in range(200)}, {})
    return json.dumps(made.as_json()).encode()


def promotion(folder: Path, first: int) -> Iterator[int]:
    """Keep the model of a run under one name after the other."""
    for number in range(first, 10**9):
        promote(RunFolder(folder / "run"), f"kept-{number}")
        yield number


JOBS: dict[str, Callable[[Path, int], Iterator[int]]] = {
    "verdicts": verdicts,
    "saving": saving,
    "promotion": promotion,
}


def main() -> None:
    job, folder = JOBS[sys.argv[1]], Path(sys.argv[2])
    _data()  # once, before the first child
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            done = os.open(folder / "done", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            for number in job(folder, int(line)):
                os.write(done, f"{number}\n".encode())
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
