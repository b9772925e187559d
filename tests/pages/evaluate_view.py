"""The Evaluate page as a test sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import open_page


def view(name: str, source: Path | str, address: dict[str, str] | None = None, **state: object) -> AppTest:
    """The page in this view; what stands in `address` comes by the link."""
    app = open_page("evaluate", address, data_source=str(source), evaluate_view=name, **state)
    assert not app.exception
    return app


def components(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(component.proto.json) for component in app.get("bidi_component")]


def matrix(app: AppTest) -> dict[str, Any]:
    (found,) = (data for data in components(app) if "rowLabels" in data)
    return found


def faces(app: AppTest) -> list[dict[str, Any]]:
    """Of the first grid."""
    return next(data["faces"] for data in components(app) if "faces" in data)


def figures(app: AppTest) -> dict[str, str]:
    """The figures above the views."""
    return {metric.label: metric.value for metric in app.metric}
