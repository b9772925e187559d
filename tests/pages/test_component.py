"""What a component is sent; that it draws the newest of it is tested in test_evaluate_why.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from pages.widgets.component import component

    text = st.text_input("Text", "one")
    component("a_component", html="<p></p>", css="", js="const draw = () => {}")(
        key="it", data={"text": text}
    )


def test_data_that_did_not_change_are_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of faces is some hundred kilobytes."""

    def sent(app: AppTest) -> dict[str, Any]:
        (element,) = app.get("bidi_component")
        data: dict[str, Any] = json.loads(element.proto.json)
        return data

    app = AppTest.from_function(_page).run()
    first = sent(app)
    assert first["text"] == "one" and sent(app.run()) == first
    monkeypatch.setattr("time.time_ns", lambda: 0)  # the clock is set back
    second = sent(app.text_input[0].set_value("two").run())
    assert second["text"] == "two" and second["made"] > first["made"]
    assert sent(app.text_input[0].set_value("one").run())["made"] > second["made"], (
        "as old as what is drawn: it would be left out"
    )
