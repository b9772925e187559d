"""What the paper plan of docs/guides/scale.md needs beside throughput: reading, starting again, starting a
worker, memory.

python benchmarks/scale_parts.py FACES.parquet [--model NAME]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

PARTS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source")
    parser.add_argument("--model", default="tiny")
    options = parser.parse_args()
    process = psutil.Process()
    begun = time.perf_counter()
    from fer_core.bundles.bundle import find_bundle
    from fer_core.inference import Classifier
    from fer_core.scale.face_tables import FaceTables
    from fer_core.scale.part_folder import parts_in
    from fer_core.scale.scoring import score
    from fer_core.scale.sources import TableFaces, open_source

    classifier = Classifier(find_bundle(options.model))
    classifier.probabilities(np.zeros((64, 48, 48), np.uint8))
    start = time.perf_counter() - begun
    source = open_source(options.source)
    assert isinstance(source, TableFaces)
    before = process.memory_info().rss
    tables, chunk, reading, classifying = FaceTables(source.files), 4096, [], []
    for first in range(0, source.count - chunk, chunk):
        a = time.perf_counter()
        images, _, _ = tables.take(first, first + chunk)
        b = time.perf_counter()
        classifier.probabilities(images)
        reading.append((b - a) / chunk)
        classifying.append((time.perf_counter() - b) / chunk)
    print(f"to import and load a worker         {start:8.2f} s")
    print(
        f"to read and decode a face           {min(reading) * 1e3:8.3f} ms, the best of {len(reading)} times "
        f"{chunk}"
    )
    print(f"to classify it with {options.model:16}{min(classifying) * 1e3:8.3f} ms")
    print(
        f"memory of a worker                  {process.memory_info().rss / 1e6:8.0f} MB, "
        f"{before / 1e6:.0f} MB of it before the first face"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        score("synthetic:70", folder / "one", options.model, workers=1)
        (folder / "many").mkdir()
        for i in range(PARTS):
            shutil.copy(folder / "one" / "part-000000.parquet", folder / "many" / f"part-{i:06}.parquet")
        a = time.perf_counter()
        assert len(parts_in(folder / "many")) == PARTS
        print(f"to look at a part that is there     {(time.perf_counter() - a) / PARTS * 1e3:8.3f} ms")


if __name__ == "__main__":
    main()
