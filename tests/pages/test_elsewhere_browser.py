"""A Keras file as a plain script saves it, in a browser: from its upload to its answer on a photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from fer_core.bundles.bundle import read_bundle
from fer_core.inference import Predictor
from tests.data import build
from tests.model_import.made import LEVELS, keras_network
from tests.pages.conftest import Server
from tests.pages.test_browser import visit
from tests.pages.test_predict_browser import PORTRAIT

pytestmark = pytest.mark.long

SLOW = 240_000  # milliseconds: TensorFlow starts in a process of its own, and converts


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "data").mkdir()
    images, codes = build.faces(210)
    np.savez(folder / "data" / "faces.npz", images=images, labels=codes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_MODELS_DIR", str(folder / "models"))
        started = Server(folder)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64x64x3 in 0..1, classes in alphabetical order."""
    path = tmp_path_factory.mktemp("file") / "my network.h5"
    keras_network().save(path)
    return path


@pytest.mark.timeout(900)
def test_from_the_upload_to_the_answer_on_a_photo(page: Page, server: Server, file: Path) -> None:
    visit(page, server, "dataset?source=faces.npz")
    expect(page.get_by_text("210 faces of 48x48")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Models").click()
    page.get_by_text("From elsewhere", exact=True).click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    page.get_by_role("button", name="Look into it").click()
    expect(page.get_by_text("takes 64x64x3, gives 7 probabilities")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Input: 0 to 1 (unit), chosen by trying on faces.npz")).to_be_visible()
    expect(page.get_by_text("Alphabetical (Keras), chosen by trying on faces.npz")).to_be_visible()
    page.get_by_role("button", name="Make the model").click()
    expect(page.get_by_text("is among the models. Everything works")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("File: my network.h5 (Keras HDF5)")).to_be_visible()

    page.get_by_role("link", name="Evaluate it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate")
    happy = page.locator('[data-place="3,3"]')
    expect(happy).to_have_text("3")  # of 21 images of validation
    happy.click()
    expect(page.get_by_text("True happy, predicted happy", exact=True)).to_be_visible()
    expect(page.locator("[data-face]")).to_have_count(3)

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Predict").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(PORTRAIT)
    (face,) = Predictor(read_bundle(server.folder / "models" / "my-network")).predict(Image.open(PORTRAIT))
    assert face.label == build.CODES[np.abs(LEVELS - face.crop.mean()).argmin()]
    expect(page.get_by_role("heading", name=face.label)).to_be_visible()
    assert "tensorflow" not in server.memory_maps().lower()
