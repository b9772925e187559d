"""The figures on photos: those of the page are those of the card, the file and the docs."""

from __future__ import annotations

import json
from pathlib import Path

from fer_core.bundles.bundle import MODELS_DIR, find_bundle
from pages.views.models import photos
from tests.pages.conftest import ROOT, open_page


def test_the_page_shows_every_model_and_why_photo_differs(folders: Path) -> None:
    app = open_page("models", models_view="Photos")
    assert not app.exception
    table = app.dataframe[0].value
    card = find_bundle("photo").card["figures"]["photos without disgust"]
    assert table["model"][0] == "photo, by person"
    assert table["without disgust"][0] == f"{card['accuracy']:.1%}"
    small = find_bundle("photo-tiny").card["figures"]["photos without disgust"]
    assert table.set_index("model")["without disgust"]["photo-tiny, by person"] == f"{small['accuracy']:.1%}"
    assert {"standard", "ferplus", "tiny", "best", "fer 25.10.3"} <= set(table["model"])
    assert "On FER2013 itself it is the other way round" in " ".join(text.value for text in app.markdown)


def test_docs_and_file_agree() -> None:
    docs = (ROOT / "docs" / "reference" / "models.md").read_text()
    for row in json.loads((MODELS_DIR / "photos.json").read_text()):
        figure = (
            f"{row['without_disgust']:.1%}** "
            if row["name"] == "photo"
            else f"{row['without_disgust']:.1%} ("
        )
        lines = [
            line
            for line in docs.splitlines()
            if line.startswith("| `") or line.startswith("| the") or line.startswith("| `fer`")
        ]
        assert any(figure in line and f"{row['mean_of_five']:.1%}" in line for line in lines), row["name"]


def test_without_the_file_a_line_says_so(folders: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(photos, "MODELS_DIR", tmp_path)
    assert [row["name"] for row in photos.read_rows()] == ["photo, by person", "photo-tiny, by person"]


def test_evaluate_says_why_photo_is_worse_there(folders: Path) -> None:
    app = open_page("evaluate", model_path=str(find_bundle("photo").path))
    assert not app.exception
    assert any("learned its answers from photos" in text.value for text in app.info)
    app = open_page("evaluate", model_path=str(find_bundle("standard").path))
    assert not any("learned its answers from photos" in text.value for text in app.info)
