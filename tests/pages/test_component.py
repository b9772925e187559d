"""What is drawn in a component is the newest that the page has sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Server
from tests.pages.test_browser import visit

# Components' scripts come from an address instead of from memory, so that the test can let them come late.
_SCRIPTS_FROM_ADDRESSES = """
window.scripts = []
const make = URL.createObjectURL.bind(URL)
URL.createObjectURL = (blob) => {
  if (blob.type !== "text/javascript") return make(blob)
  return location.origin + "/script-" + (window.scripts.push(blob) - 1) + ".js"
}
"""


@pytest.mark.long
def test_what_is_chosen_while_a_script_loads_is_what_is_drawn(page: Page, server: Server) -> None:
    """Browsers leave open in which order the calls come that waited for it."""
    asked: list[Route] = []
    page.add_init_script(_SCRIPTS_FROM_ADDRESSES)
    page.route(
        "**/script-*.js", lambda route: asked.append(route)
    )  # Playwright cannot take the bound method itself
    visit(page, server, "evaluate?evaluate_view=What+if")
    for kind, is_on in [
        ("mask", True),
        ("sunglasses", True),
        ("mask", False),
        ("sunglasses", False),
        ("mask", True),
    ]:
        page.get_by_role("button", name=kind.capitalize(), exact=True).click()
        expect(page.get_by_role("group", name=f"Size of the {kind}")).to_have_count(int(is_on))
    expect(page.get_by_text("Drag mask and sunglasses")).to_be_visible()
    assert asked, "the scripts were not held up"
    for route in asked:
        number = route.request.url.split("script-")[1].removesuffix(".js")
        route.fulfill(content_type="text/javascript", body=page.evaluate(f"window.scripts[{number}].text()"))
    expect(page.locator(".stage > img")).to_have_attribute("alt", "the face as the model sees it, with mask")
    assert page.locator("[data-kind]").evaluate_all(
        "covers => covers.map((cover) => cover.dataset.kind)"
    ) == ["mask"]


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
        told: dict[str, Any] = json.loads(element.proto.json)
        return told

    app = AppTest.from_function(_page).run()
    first = sent(app)
    assert first["text"] == "one" and sent(app.run()) == first
    monkeypatch.setattr("time.time_ns", lambda: 0)  # the clock is set back
    second = sent(app.text_input[0].set_value("two").run())
    assert second["text"] == "two" and second["made"] > first["made"]
    assert sent(app.text_input[0].set_value("one").run())["made"] > second["made"], (
        "as old as what is drawn: it would be left out"
    )
