"""Fixtures of the data tests: an empty cache for each, and FER2013 in every form that `unpack.py` writes."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_core.emotions import NAMES

from .build import CODES, USAGES

FORMS = ("fer2013-csv", "icml-csv", "train-test-csv", "train-test", "train-validation", "png-folders", "npz")
LIMIT = 120  # images of each split

_UNPACK_ALL = """
import sys, unpack
out, limit, *forms = sys.argv[1:]
for form in forms:
    sys.argv = ["unpack.py", form, f"{out}/{form}", "--limit", limit]
    unpack.main()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that no test reads what another one has parsed."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(folder))
    return folder


@dataclass(frozen=True)
class Fer2013:
    """First images of every split of FER2013, in the forms below `folder` and from the Parquet file."""

    folder: Path
    images: np.ndarray  # (N, 48, 48) uint8, in the order of the file
    names: list[str]
    splits: list[str]

    def __getitem__(self, form: str) -> Path:
        """The file that holds everything, or the folder."""
        files = list((self.folder / form).iterdir())
        return files[0] if len(files) == 1 and files[0].is_file() else self.folder / form

    def counts(self, splits: list[str] | None = None) -> dict[str, dict[str, int]]:
        table: dict[str, Counter[str]] = {}
        for split, name in zip(splits or self.splits, self.names, strict=True):
            table.setdefault(split, Counter(dict.fromkeys(NAMES, 0)))[name] += 1
        return {split: dict(counter) for split, counter in table.items()}


@pytest.fixture(scope="session")
def fer2013(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Fer2013:
    """Skips where the real data is absent."""
    out = tmp_path_factory.mktemp("fer2013")
    command = [sys.executable, "-B", "-c", _UNPACK_ALL, str(out), str(LIMIT), *FORMS]
    subprocess.run(command, cwd=shared / "data", check=True, timeout=120)

    table = pq.read_table(shared / "data" / "fer2013.parquet", columns=["usage"])
    usage = np.array(table["usage"].cast("string").to_pylist())
    keep = np.sort(np.concatenate([np.flatnonzero(usage == u)[:LIMIT] for u in USAGES]))
    rows = pq.read_table(shared / "data" / "fer2013.parquet").take(keep)
    (out / "parquet").mkdir()
    pq.write_table(rows, out / "parquet" / "fer2013.parquet")
    blobs = [image["bytes"] for image in rows["image"].to_pylist()]
    return Fer2013(
        folder=out,
        images=np.stack([np.asarray(Image.open(io.BytesIO(blob)).convert("L")) for blob in blobs]),
        names=[CODES[code] for code in rows["emotion"].to_pylist()],
        splits=[USAGES[u] for u in usage[keep]],
    )
