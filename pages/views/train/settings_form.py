"""Inputs for the settings of a run; help, range and type come from the fields in fer_core.config."""

from __future__ import annotations

import math
import typing
from typing import Any, Literal

import annotated_types
import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pages.session.foreign_text import plain

# Sliders for fields whose full range is too wide; a value outside the slider gets a number input.
_SLIDERS = {
    "rotation": (0.0, 45.0, 1.0),
    "shift": (0.0, 0.3, 0.01),
    "zoom": (0.0, 0.5, 0.01),
    "contrast": (0.0, 0.8, 0.05),
    "brightness": (0.0, 0.5, 0.05),
    "gamma": (0.0, 1.0, 0.05),
    "blur": (0.0, 2.0, 0.1),
    "low_resolution": (0.0, 0.8, 0.05),
    "erase": (0.0, 1.0, 0.05),
    "mixup": (0.0, 1.0, 0.05),
    "label_smoothing": (0.0, 0.3, 0.01),
    "teacher_weight": (0.0, 1.0, 0.05),
    "average": (0.0, 0.95, 0.05),
}
_FORMATS = {"learning_rate": "%.4g", "weight_decay": "%.4g"}
_STEPS = {"votes_weight": 0.1, "weight_decay": 1e-4}


def fields(
    settings: BaseModel, names: list[str], section: str, preset: str, columns: int = 3
) -> dict[str, Any]:
    """Draw an input for each named field and return the chosen values.

    Args:
        settings: Holds the initial values.
        names: Names of the fields.
        section: First part of the widgets' keys, SECTION_NAME_PRESET.
        preset: Last part of the keys, so that another preset begins with its own values.
        columns: Inputs in a row.
    """
    values = {}
    rows = [names[i : i + columns] for i in range(0, len(names), columns)]
    for row in rows:
        for column, name in zip(st.columns(columns), row, strict=False):
            with column:
                values[name] = _input(settings, name, f"{section}_{name}_{preset}")
    return values


def kept_as(key: str) -> dict[str, Any]:
    """Return the arguments of an input that keep its value: in the session, and in the address.

    The value then outlasts other views and pages, and a reload; a link opens the form with it.
    """
    infinite = any(map(_is_infinite, st.query_params.get_all(key)))  # on which Streamlit 1.67 fails
    return {"key": key, "bind": None if infinite else "query-params", "persist_state": "session"}


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def _input(settings: BaseModel, name: str, key: str) -> Any:
    field, value = type(settings).model_fields[name], getattr(settings, name)
    kept = kept_as(key)
    label, help = plain(name.replace("_", " ").capitalize()), plain(field.description or "") or None
    kind = field.annotation
    if typing.get_origin(kind) is Literal:
        options = list(typing.get_args(kind))
        return st.selectbox(
            label,
            options,
            options.index(value),
            **kept,
            help=help,
            format_func=lambda o: str(o).replace("_", " "),
        )
    if kind is bool:
        return st.toggle(label, value, **kept, help=help)
    low, high = _range(field)
    present = st.session_state.get(key, value)
    if name in _SLIDERS and all(_SLIDERS[name][0] <= v <= _SLIDERS[name][1] for v in (value, present)):
        first, last, step = _SLIDERS[name]
        return st.slider(label, first, last, float(value), step, **kept, help=help)
    if kind is int:
        return st.number_input(label, int(low), int(high), value, **kept, help=help)
    step = _STEPS.get(name, value / 2 or 0.1)
    return st.number_input(
        label, float(low), float(high), float(value), step, _FORMATS.get(name, "%.3g"), **kept, help=help
    )


def _range(field: FieldInfo) -> tuple[float, float]:
    """Return the range of a field; an excluded end is moved inwards a little."""
    low, high = 0.0, 1.0
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Ge):
            low = float(limit.ge)  # type: ignore[arg-type]
        elif isinstance(limit, annotated_types.Gt):
            low = float(limit.gt) + 1e-7  # type: ignore[arg-type]
        elif isinstance(limit, annotated_types.Le):
            high = float(limit.le)  # type: ignore[arg-type]
        elif isinstance(limit, annotated_types.Lt):
            last = float(limit.lt)  # type: ignore[arg-type]
            high = last - 1 if field.annotation is int else last - 0.001
    return low, high
