"""Import of Keras: which backend it has, and what stays out of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.keras_import import keras_backend
from tests.conftest import ROOT

_CODE = """
import sys
from fer_core.keras_import import import_keras
import_keras()
print([name for name in ("jax", "pandas", "sklearn") if name in sys.modules])
import pandas, sklearn.metrics, numpy, keras
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
print(model.predict(numpy.ones((3, 2)), verbose=0).shape, keras.backend.backend())
"""


@pytest.mark.long
def test_what_keras_only_looks_for_stays_out_and_can_be_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "(3, 1) tensorflow"], done.stderr


@pytest.mark.parametrize(
    ("variable", "file", "backend"),
    [
        (None, None, "tensorflow"),
        (None, '{"backend": "jax"}', "jax"),
        ("torch", '{"backend": "jax"}', "torch"),
        (None, "[1]", "tensorflow"),
        (None, "no JSON", "tensorflow"),
    ],
)
def test_the_backend_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, file: str | None, backend: str
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if variable:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if file:
        (tmp_path / "keras.json").write_text(file)
    assert keras_backend() == backend
