"""Components on which the newest data stay.

Streamlit loads the script of a component once and then calls it with every data that came meanwhile, in an order that browsers
leave open: Chromium often reverses two of them. So data carry when they were made, and what is older than what is drawn is left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

_MADE = "component_data_made"
_JS = """
const drawn = new WeakMap()

export default function(given) {
  const { made, ...data } = given.data
  if (made < drawn.get(given.parentElement)) return  // never true of the first
  drawn.set(given.parentElement, made)
  draw({ ...given, data })
}
"""


def component(name: str, *, html: str, css: str, js: str) -> Callable[..., Any]:
    """A component of the page.

    Args:
        js: has a function `draw`, which is given what Streamlit gives a component: `data`, `parentElement`, `setStateValue` and
            `setTriggerValue`.

    Returns:
        To be called with `key`, `data` (a dict) and what else Streamlit's components take.
    """
    mount = st.components.v2.component(name, html=html, css=css, js=js + _JS)

    def show(key: str, data: dict[str, Any], **options: Any) -> Any:
        return mount(key=key, data={**data, "made": _made(key, data)}, **options)

    return show


def _made(key: str, data: dict[str, Any]) -> int:
    """Microseconds since 1970. Data that did not change keep theirs, so that Streamlit need not send them anew."""
    known: dict[str, tuple[int, int]] = st.session_state.setdefault(_MADE, {})
    content = hash(json.dumps(data))
    before, made = known.get(key, (None, 0))
    if content != before:
        made = max(made + 1, time.time_ns() // 1000)  # a clock may be set back
        known[key] = content, made
    return made
