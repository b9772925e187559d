"""Two runs of one session share the values of its widgets."""

from __future__ import annotations

from streamlit.runtime.state.session_state import Value, WStates

from tests.pages.conftest import open_page


def test_the_previous_run_may_add_a_widget_while_changed_ones_are_looked_for() -> None:
    open_page()
    states = WStates({"first": Value(1), "second": Value(2)})
    seen = []
    for name in states:
        states["of the previous run"] = Value(0)
        seen.append(name)
    assert seen == ["first", "second"]
