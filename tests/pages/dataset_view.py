"""The Dataset page as a test sees it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import open_page

PAGE = "dataset"


def view(name: str, source: Path | str, address: dict[str, Any] | None = None, **state: object) -> AppTest:
    """The page in this view; what stands in `address` comes by the link."""
    app = open_page(PAGE, address, data_source=str(source), dataset_view=name, **state)
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.subheader, app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def grids(app: AppTest) -> list[list[dict[str, Any]]]:
    return [json.loads(grid.proto.json)["faces"] for grid in app.get("bidi_component")]


def shown(app: AppTest) -> list[int]:
    """Positions of the faces in the gallery."""
    return [face["id"] for face in grids(app)[0]]


def run(changed: Any) -> None:
    """The page after a widget was changed."""
    assert not changed.run().exception


def wait() -> None:
    """For the work in the background."""
    for thread in threading.enumerate():
        if thread.name.startswith("fer-"):
            thread.join(200)
