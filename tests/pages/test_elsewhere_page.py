"""Models > From elsewhere: the choice is the visitor's, and a bad file is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import read_bundle
from pages.session import housekeeping
from tests.data import build
from tests.model_import import made
from tests.pages.conftest import open_page
from tests.pages.dataset_view import texts
from tests.until import until

pytestmark = pytest.mark.long


@pytest.fixture
def app(folders: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("FER_MODELS_DIR", str(folders / "models"))
    images, codes = build.faces(70)
    (folders / "data").mkdir()
    np.savez(folders / "data" / "faces.npz", images=images, labels=codes)
    source = str(folders / "data" / "faces.npz")
    return open_page("models", models_view="From elsewhere", data_source=source)


def look(app: AppTest, name: str, content: bytes, shown: str) -> None:
    """Upload a file, look into it, and wait until the page shows a text."""
    app.file_uploader(key="models_elsewhere_file").upload(name, content).run()
    assert not app.exception, app.exception
    app.button(key="models_elsewhere_look").click().run()
    wait(app, shown)


def wait(app: AppTest, shown: str) -> None:
    def visible() -> bool:
        app.run()
        assert not app.exception, app.exception
        return shown in texts(app).replace("\\", "")

    until(visible, 120)


def test_what_the_visitor_chooses_is_made(app: AppTest, folders: Path, tmp_path: Path) -> None:
    content = made.write_onnx(tmp_path / "x.onnx").read_bytes()
    look(app, "*my* network.onnx", content, "takes 3x64x64, gives 7 logits")
    (scaling,) = [box for box in app.selectbox if box.label == "Input"]
    (order,) = [box for box in app.selectbox if box.label == "Order of classes"]
    assert (scaling.value, order.value) == ("torch", ",".join(made.ORDER))
    order.set_value(",".join(build.CODES)).run()
    assert "Order of classes: FER2013, given by the user" in texts(app)
    (name,) = app.text_input
    assert name.value == "my-network"
    app.button(key="models_elsewhere_make").click().run()
    wait(app, "my-network is among the models")
    card = read_bundle(folders / "models" / "my-network").card
    assert tuple(card["imported"]["outputs"]) == build.CODES
    app.button(key="models_elsewhere_open").click().run()
    assert not app.exception and app.selectbox(key="model").value == "my-network"


def test_a_bad_file_is_one_sentence(app: AppTest) -> None:
    look(app, "photo.keras", b"\xff\xd8\xff\xe0 [a](b)", "is not a model of a known format")
    assert len(app.error) == 1 and "look into" not in app.error[0].value


@pytest.fixture
def streamlits_limit() -> Iterator[None]:
    """A hosted app lowers Streamlit's own limit, which holds for the process."""
    before = config.get_option("server.maxUploadSize")
    yield
    config.set_option("server.maxUploadSize", before)


def test_a_hosted_app_refuses_what_is_too_large(
    folders: Path, own_home: None, streamlits_limit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOSTED", "1")
    monkeypatch.setenv("FER_HOSTED_UPLOAD_MB", "1")
    monkeypatch.setattr(housekeeping, "start", lambda all_visitors: None)
    (folders / "data").mkdir()
    app = open_page("models", models_view="From elsewhere")
    app.file_uploader(key="models_elsewhere_file").upload("large.onnx", b"\x08" * 2_000_000).run()
    assert not app.exception
    assert "at most 1 MB are allowed" in app.error[0].value
    assert not [button for button in app.button if button.key == "models_elsewhere_look"]
