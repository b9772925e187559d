"""Components on which the newest data stay, and the files that they are made of.

Streamlit loads the script of a component once, and then calls it with all data that have come meanwhile.
Browsers leave the order of these calls open: Chromium often reverses two of them. So data carry the time
at which they were made, and a call with older data than those on the screen is ignored.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_MADE = "component_data_made"


def component(name: str, *, html: str, css: str, js: str) -> Callable[..., Any]:
    """Register a component.

    Args:
        js: A script with a function `draw`, which receives what Streamlit hands to a component: `data`,
            `parentElement`, `setStateValue` and `setTriggerValue`. It may return a function that is called
            at the end.

    Returns:
        A function that draws the component. It takes `key`, `data` (a dict) and the other arguments of
        Streamlit's components.
    """
    mount = st.components.v2.component(name, html=html, css=css, js=js + "\n" + script(__file__))

    def show(key: str, data: dict[str, Any], **options: Any) -> Any:
        return mount(key=key, data={**data, "made": _made(key, data)}, **options)

    return show


def script(module: str) -> str:
    """Return the JavaScript beside a module; `module` is its `__file__`."""
    return Path(module).with_suffix(".js").read_text(encoding="utf-8")


def stylesheet(module: str) -> str:
    """Return the CSS beside a module; `module` is its `__file__`."""
    return Path(module).with_suffix(".css").read_text(encoding="utf-8")


@functools.cache
def style(module: str) -> str:
    """Return the CSS beside a module as a `<style>` element for `st.html`."""
    return f"<style>{stylesheet(module)}</style>"


def _made(key: str, data: dict[str, Any]) -> int:
    """Return when the data were made, in microseconds since 1970.

    Data that did not change keep their time, so that Streamlit need not send them again.
    """
    times: dict[str, tuple[int, int]] = st.session_state.setdefault(_MADE, {})
    content = hash(json.dumps(data))
    previous_content, made = times.get(key, (None, 0))
    if content != previous_content:
        made = max(made + 1, time.time_ns() // 1000)  # the clock may be set back
        times[key] = content, made
    return made
