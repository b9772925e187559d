"""Images per second of a training run, augmentation on, against a bare `model.fit` on ready arrays; and each Keras backend.

    python benchmarks/training.py [PRESET ...]              the run against fit, same network, batch, precision and machine
    python benchmarks/training.py --backends PYTHON ...     a bare fit with each backend that the given interpreters have

Rounds alternate, the best of each way counts, and the first epoch of each, which traces the graph, is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
IMAGES = 5120
ROUNDS = 3


def ready_arrays(count: int):
    import numpy as np

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 48, 48), np.uint8)
    return images, rng.integers(0, 7, count)


def compiled(preset: str, precision: str):
    import keras

    from fer_core import zoo
    from fer_core.presets import find_preset
    from fer_core.training.optimizer import make_loss, make_optimizer

    config = find_preset(preset).config
    keras.mixed_precision.set_global_policy(precision)
    model = zoo.build(config.model)
    model.compile(make_optimizer(config.train), make_loss(config.train), metrics=["accuracy"])
    return model, config.train.batch_size


def fit_rate(preset: str, precision: str, rounds: int = ROUNDS) -> float:
    """Images per second of bare `fit`, the best round."""
    import time

    import numpy as np

    model, batch = compiled(preset, precision)
    images, labels = ready_arrays(IMAGES)
    x, y = images[..., None].astype(np.float32), np.eye(7, dtype=np.float32)[labels]
    model.fit(x[: 4 * batch], y[: 4 * batch], batch_size=batch, verbose=0)
    best = 0.0
    for _ in range(rounds):
        # Timed between batches: what fit does at its end, closing its pipeline, is no training.
        times: list[float] = []
        clock = _Clock(times)
        model.fit(x, y, batch_size=batch, verbose=0, shuffle=False, callbacks=[clock.callback()])
        best = max(best, (len(times) - 1) * batch / (times[-1] - times[0]))
        time.sleep(0.1)
    return best


class _Clock:
    def __init__(self, times: list[float]) -> None:
        self.times = times

    def callback(self):
        import time

        import keras

        return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: self.times.append(time.perf_counter()))


def run_rate(preset: str, precision: str) -> float:
    """Images per second of the trainer's own loop over its epochs, the best one, as it reports them itself."""
    from fer_core.presets import find_preset
    from fer_core.training.run_folder import RunFolder
    from fer_core.training.trainer import train

    rates: list[float] = []

    def note(progress: dict) -> None:
        if progress.get("batch") == progress.get("batches") and progress["epoch"] > 1:
            rates.append(progress["images_per_second"])

    config = find_preset(preset).config.override("data", source=f"synthetic:{IMAGES * 10 // 8}", drop=())
    config = config.replace("train", epochs=1 + ROUNDS, precision=precision, votes_weight=0.0, output="labels", teacher=None)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        run.create(config)
        train(run, note)
    return max(rates)


def compare(presets: list[str]) -> None:
    from fer_core.native_output import import_keras

    import_keras()
    from fer_core.presets import find_preset
    from fer_core.training.settle import settle

    print(f"{'preset':24}{'precision':>16}{'fit img/s':>12}{'run img/s':>12}{'run / fit':>12}")
    for preset in presets:
        precision = settle(find_preset(preset).config.override("train", votes_weight=0.0, output="labels")).train.precision
        before, run, after = fit_rate(preset, precision), run_rate(preset, precision), fit_rate(preset, precision)
        fit = max(before, after)
        print(f"{preset:24}{precision:>16}{fit:12.0f}{run:12.0f}{run / fit:12.3f}", flush=True)


def backends(interpreters: list[str]) -> None:
    print(f"{'backend':12}{'precision':>16}{'img/s':>8}")
    for interpreter in interpreters:
        for backend in ("tensorflow", "torch", "jax"):
            for precision in ("float32", "mixed_bfloat16"):
                command = [interpreter, __file__, "--one", precision]
                done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True)
                if done.returncode == 0:
                    print(f"{backend:12}{precision:>16}{float(done.stdout.split()[-1]):8.0f}", flush=True)
                elif "ModuleNotFoundError" not in done.stderr:
                    print(f"{backend:12}{precision:>16}  failed: {done.stderr.splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(fit_rate("standard", sys.argv[2]))
    elif sys.argv[1:2] == ["--backends"]:
        backends(sys.argv[2:] or [sys.executable])
    else:
        compare(sys.argv[1:] or ["standard"])
