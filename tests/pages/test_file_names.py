"""File names of faces from folders: at the open face, in its variants and in the predictions."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.evaluation.scoring import score
from pages.session import file_names
from pages.views.evaluate import downloads
from tests.pages import dataset_view
from tests.pages.dataset_view import texts


def test_a_face_from_a_folder_has_its_file_name(folders: Path, own_home: None) -> None:
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("happy", "sad"):
            folder = folders / "faces" / split / label
            folder.mkdir(parents=True)
            for number in range(6):
                image = rng.integers(0, 255, (48, 48), np.uint8)
                cv2.imwrite(str(folder / f"{'=' if number == 1 else ''}{number}.png"), image)
    (folders / "faces" / "test" / "happy" / "0.png").write_bytes(b"no picture")  # its row is left out
    data = open_dataset(folders / "faces")
    last = len(data) - 1
    assert file_names.name(data, last) == "train/sad/=1.png", "`=` comes after digits"

    app = dataset_view.view("Gallery", folders / "faces", {"face": str(data.rows[last])})
    assert f"File `{file_names.name(data, last)}`" in texts(app)

    recipe = Recipe(data.source, data.fingerprint, {int(data.rows[0]): "dropped"}, {})
    variant = open_dataset(save_recipe(recipe, folders / "data", "variant"))
    assert file_names.name(variant, len(variant) - 1) == file_names.name(data, last)
    assert file_names.of(open_dataset("synthetic:70")) is None

    record = score(find_bundle("tiny"), data, "test", save=False).record
    selection = SimpleNamespace(record=record, data=data, indices=data.indices("test"))
    table = pd.read_csv(io.StringIO(downloads._predictions(selection)))
    for _, row in table.iterrows():
        assert row["file"].startswith(f"test/{row['true']}/")
