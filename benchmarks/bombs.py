"""What small files that unpack to much take: memory, time and the answer, with the bounds of a hosted app.

    python benchmarks/bombs.py

Each is opened in a process of its own; its memory is counted from after the imports.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

_OPEN = """
import re, sys, time
from pathlib import Path
from fer_core.data import open_dataset
from fer_core.data.budget import Budget
from fer_core.errors import FerError
import fer_core.imaging, fer_core.data.readers
# getrusage would also count what the parent process had
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, begun = peak(), time.perf_counter()
try:
    answer = f"{len(open_dataset(sys.argv[1], Budget(40_000, 200_000_000))):,} faces"
except FerError as error:
    answer = str(error).replace(sys.argv[1], "it")[:90]
print(f"{peak() - before:,.0f} MB, {time.perf_counter() - begun:.1f} s: {answer}")
"""


def png(width: int, height: int, noise: bool = False) -> bytes:
    """Return a grey picture."""
    pixels = np.zeros((height, width), np.uint8)
    if noise:
        pixels[:] = np.random.default_rng(0).integers(0, 255, (height, width))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shared_image(path: Path) -> None:
    """Write one PNG of 0.9 MB for 2,048 rows."""
    _write_table(path, png(960, 960, noise=True), 2048)


def copies(path: Path) -> None:
    """Write 300,000 copies of a face."""
    _write_table(path, png(48, 48), 300_000)


def nested_arrays(path: Path) -> None:
    """Write a zip with an npz of 1.5 GB, whose members shrink by less than 100 times."""
    noise = np.random.default_rng(0).integers(0, 255, (8, 48, 48), np.uint8)
    images = np.zeros((80_000, 48, 48), np.float64)
    images[::125] = np.resize(noise, (640, 48, 48))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=images, labels=np.arange(80_000) % 7)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npz", buffer.getvalue())


def large_pictures(path: Path) -> None:
    """Write a zip of 120 class folders' PNGs of 100 megapixels."""
    _write_pictures(path, png(10_000, 10_000), 120)


def many_pixels(path: Path) -> None:
    """Write a zip of 2,000 PNGs of 4 megapixels."""
    _write_pictures(path, png(2000, 2000), 2000)


def _write_table(path: Path, blob: bytes, rows: int) -> None:
    image = pa.array([{"bytes": blob}] * rows, pa.struct([("bytes", pa.binary())]))
    pq.write_table(pa.table({"image": image, "emotion": np.arange(rows) % 7}), path)


def _write_pictures(path: Path, content: bytes, count: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            archive.writestr(f"{('happy', 'sad')[i % 2]}/{i}.png", content)


BOMBS: dict[str, Callable[[Path], None]] = {
    "shared.parquet": shared_image,
    "copies.parquet": copies,
    "nested.zip": nested_arrays,
    "large.zip": large_pictures,
    "pixels.zip": many_pixels,
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, write in BOMBS.items():
            path = Path(folder) / name
            write(path)
            done = subprocess.run(
                [sys.executable, "-c", _OPEN, str(path)], cwd=ROOT, capture_output=True, text=True
            )
            print(
                f"{name} of {path.stat().st_size / 1e6:.2f} MB: {done.stdout.strip() or done.stderr[-200:]}"
            )


if __name__ == "__main__":
    main()
