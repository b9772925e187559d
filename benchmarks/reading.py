"""How fast fer2013.csv is read, against the usual way (pandas, then split and np.array on each row), in one
run.

    python benchmarks/reading.py fer2013.csv

Each way runs in a process of its own, so that the peak memory is its own too.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def usual(path: str) -> int:
    """As most notebooks on FER2013 do it."""
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(path)
    images = np.stack([np.array(text.split(), dtype="uint8").reshape(48, 48) for text in frame["pixels"]])
    return len(images)


def own(path: str) -> int:
    from fer_core.data import open_dataset

    return len(open_dataset(path))


def measure(way: str, path: str, cache: str) -> tuple[float, float]:
    """(seconds, peak memory in MB) of one way in a fresh process, imports included in the memory but not in
    the time."""
    environment = os.environ | {"FER_EXPLORER_CACHE": cache, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, __file__, way, path], capture_output=True, text=True, check=True, env=environment
    )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(sys.argv[1]).resolve())
        Path(path).read_bytes()  # into the page cache, for all alike
        cache = str(Path(folder) / "cache")
        rows = [
            ("usual", *measure("usual", path, cache)),
            ("first", *measure("own", path, cache)),
            ("second", *measure("own", path, cache)),
        ]
    print(f"{'way':8}{'seconds':>10}{'share of usual':>16}{'peak MB':>10}")
    for name, seconds, peak in rows:
        print(f"{name:8}{seconds:10.3f}{seconds / rows[0][1]:16.4f}{peak:10.0f}")


if __name__ == "__main__":
    if sys.argv[1] in ("usual", "own"):
        if sys.argv[1] == "own":
            import fer_core.data  # noqa: F401
        else:
            import numpy, pandas  # noqa: E401, F401, I001
        start = time.perf_counter()
        {"usual": usual, "own": own}[sys.argv[1]](sys.argv[2])
        print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    else:
        main()
