"""Images per second of a training run, augmentation on, against a bare `model.fit` on ready arrays; and each
Keras backend.

    python benchmarks/training.py [PRESET ...]              the run against fit, same network, batch,
    precision and machine python benchmarks/training.py --backends PYTHON ...     a bare fit with each backend
    that the given interpreters have

An epoch of the run and a pass of fit take turns in one process, and the ratio is the median of these pairs,
so that what else the machine does meets both. The first epoch of each, which traces the graph, is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
IMAGES = 2560
ROUNDS = 6


def ready_arrays(count: int):
    import numpy as np

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 48, 48), np.uint8)
    return images, rng.integers(0, 7, count)


def compiled(preset: str, precision: str):
    import keras

    from fer_core import zoo
    from fer_core.presets import find_preset
    from fer_core.training.losses import make_losses
    from fer_core.training.optimizer import make_optimizer

    config = find_preset(preset).config.override("train", votes_weight=0.0)  # fit has one output
    keras.mixed_precision.set_global_policy(precision)
    model = zoo.build(config.model)
    model.compile(make_optimizer(config.train), make_losses(config.train), metrics=["accuracy"])
    return model, config.train.batch_size


def fit_rounds(preset: str, precision: str) -> Callable[[], float]:
    """A function that makes one pass of a bare `fit` and tells its images per second; the first pass, which
    traces the graph, is made."""
    import numpy as np

    model, batch = compiled(preset, precision)
    images, labels = ready_arrays(IMAGES)
    x, y = images[..., None].astype(np.float32), np.eye(7, dtype=np.float32)[labels]
    model.fit(x[: 4 * batch], y[: 4 * batch], batch_size=batch, verbose=0)

    def one() -> float:
        # Timed between batches: what fit does at its end, closing its pipeline, is no training.
        times: list[float] = []
        model.fit(x, y, batch_size=batch, verbose=0, shuffle=False, callbacks=[_Clock(times).callback()])
        return (len(times) - 1) * batch / (times[-1] - times[0])

    return one


class _Clock:
    def __init__(self, times: list[float]) -> None:
        self.times = times

    def callback(self):
        import time

        import keras

        return keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: self.times.append(time.perf_counter())
        )


def turns(preset: str, precision: str) -> list[tuple[float, float]]:
    """Images per second of the trainer's own loop, as it reports them itself, and of a bare `fit` right
    after: a pair for each epoch."""
    from fer_core.presets import find_preset
    from fer_core.runs.run_folder import RunFolder
    from fer_core.runs.train import train

    pairs: list[tuple[float, float]] = []
    last = [0.0]
    round_of_fit = fit_rounds(preset, precision)

    def note(progress: dict) -> None:
        if progress.get("batch") == progress.get("batches") and "batch" in progress:
            last[0] = progress["images_per_second"]
        elif progress.get("finished_epoch") and progress["epoch"] > 1:
            pairs.append((last[0], round_of_fit()))

    # As many images as fit has, whole batches: drawn faces are split by class, which alone gives a few more
    # or less.
    config = find_preset(preset).config.override(
        "data", source=f"synthetic:{IMAGES * 2}", limit=IMAGES, drop=()
    )
    config = config.replace(
        "train", epochs=1 + ROUNDS, precision=precision, votes_weight=0.0, output="labels", teacher=None
    )
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        run.create(config)
        train(run, note)
    return pairs


def compare(presets: list[str]) -> None:
    from fer_core.keras_import import import_keras

    import_keras()
    import numpy as np

    from fer_core.presets import find_preset
    from fer_core.runs.resolve import resolve

    print(
        f"{'preset':24}{'precision':>16}{'fit img/s':>12}{'run img/s':>12}"
        f"{'run / fit, median (range) of the pairs':>42}"
    )
    for preset in presets:
        precision = resolve(
            find_preset(preset).config.override("train", votes_weight=0.0, output="labels")
        ).train.precision
        run, fit = np.array(turns(preset, precision)).T
        ratio = run / fit
        ratio_range = f"{np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f})"
        print(f"{preset:24}{precision:>16}{fit.max():12.0f}{run.max():12.0f}{ratio_range:>42}", flush=True)


def backends(interpreters: list[str]) -> None:
    print(f"{'backend':12}{'precision':>16}{'img/s':>8}")
    for interpreter in interpreters:
        for backend in ("tensorflow", "torch", "jax"):
            for precision in ("float32", "mixed_bfloat16"):
                command = [interpreter, __file__, "--one", precision]
                done = subprocess.run(
                    command, env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True
                )
                if done.returncode == 0:
                    print(f"{backend:12}{precision:>16}{float(done.stdout.split()[-1]):8.0f}", flush=True)
                elif "ModuleNotFoundError" not in done.stderr:
                    print(f"{backend:12}{precision:>16}  failed: {done.stderr.splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one = fit_rounds("standard", sys.argv[2])
        print(max(one() for _ in range(ROUNDS)))
    elif sys.argv[1:2] == ["--backends"]:
        backends(sys.argv[2:] or [sys.executable])
    else:
        compare(sys.argv[1:] or ["standard"])
