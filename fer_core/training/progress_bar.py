"""The progress of a run on the terminal."""

from __future__ import annotations

import sys
from typing import Any, Self

from tqdm import tqdm

from .run_folder import RunFolder


class ProgressBar:
    """A bar over the batches of all epochs with the time left, on stderr; a line for each finished epoch."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._bar: tqdm | None = None

    def __enter__(self) -> Self:
        print(f"run folder: {self._run.path}", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: dict[str, Any]) -> None:
        """Takes what `trainer.train` reports."""
        if progress.get("finished_epoch"):
            line = (
                f"epoch {progress['epoch']}/{progress['epochs']}  loss {progress['loss']:.3f}  accuracy {progress['accuracy']:.1%}  "
                f"validation loss {progress['val_loss']:.3f}  accuracy {progress['val_accuracy']:.1%}{'  best' if progress['best'] else ''}"
            )
            tqdm.write(line, file=sys.stderr)
            return
        batches = progress["batches"]
        done = (progress["epoch"] - 1) * batches + progress["batch"]
        if self._bar is None:
            before = (progress["epoch"] - 1) * batches  # of the epochs before an interruption
            self._bar = tqdm(
                total=progress["epochs"] * batches,
                initial=before,
                unit="batch",
                file=sys.stderr,
                mininterval=0.5,
            )
        self._bar.set_postfix_str(f"epoch {progress['epoch']}, loss {progress['loss']:.3f}", refresh=False)
        self._bar.update(done - self._bar.n)
