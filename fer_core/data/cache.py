"""Cache of parsed data sets: a large source that is opened again is mapped from a file into memory.

Only data sets are cached, never photos or frames.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..storage import read_arrays
from .dataset import Dataset

_VERSION = 3  # increase it when readers or fingerprints change, so that old entries are not used
_MIN_IMAGES = 2000  # smaller sources are not worth caching
_KEEP, _KEEP_BYTES = 8, 4 << 30
_ARRAYS = ("labels", "splits", "rows", "digests")


def folder(source: str = "") -> Path:
    """Return the folder of the cache for a source; it may be a visitor's."""
    return storage.cache_folder_of(Path(source).absolute(), f"data-v{_VERSION}")


def load(key: str, source: str) -> Dataset | None:
    """Return the data set stored under `key`, memory-mapped, or None."""
    entry = folder(source) / key
    try:
        meta = json.loads((entry / "meta.json").read_text(encoding="utf-8"))
        images = np.load(entry / "images.npy", mmap_mode="r", allow_pickle=False)
        table = read_arrays(entry / "table.npz") or {}
        arrays: dict[str, Any] = {name: table[name] for name in _ARRAYS}
        os.utime(entry)  # the most recently used entries are kept
        return Dataset(
            images=images,
            source=source,
            format=meta["format"],
            fingerprint=meta["fingerprint"],
            warnings=tuple(meta["warnings"]),
            other_classes={str(word): int(n) for word, n in meta["other_classes"].items()},
            codes={int(code): str(name) for code, name in meta["codes"].items()},
            **arrays,
        )
    except Exception:  # a damaged array header raises many kinds of errors
        shutil.rmtree(entry, ignore_errors=True)  # if it exists, it is damaged
        return None


def store(key: str, dataset: Dataset) -> None:
    """Store `dataset` under `key` if it is large; a full or read-only disk is not an error."""
    if len(dataset) < _MIN_IMAGES:
        return
    top = folder(dataset.source)
    temporary = None
    try:
        top.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=top, prefix=".new-"))
        np.save(temporary / "images.npy", dataset.images)
        np.savez(temporary / "table.npz", **{name: getattr(dataset, name) for name in _ARRAYS})
        meta = {
            "format": dataset.format,
            "fingerprint": dataset.fingerprint,
            "warnings": list(dataset.warnings),
            "codes": dataset.codes,
            "other_classes": dataset.other_classes,
        }
        (temporary / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        if not (top / key).exists():
            os.replace(temporary, top / key)
        _prune(top)
    except OSError:
        pass
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _prune(top: Path) -> None:
    entries = sorted(
        (p for p in top.iterdir() if not p.name.startswith(".")),
        key=lambda p: p.stat().st_mtime,
        reverse=True,
    )
    total = 0
    for i, entry in enumerate(entries):
        total += sum(file.stat().st_size for file in entry.iterdir())
        if i >= _KEEP or (i and total > _KEEP_BYTES):
            shutil.rmtree(entry, ignore_errors=True)
