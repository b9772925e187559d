"""Small multiples of accuracy by level, one panel for each corruption, that also fit on a phone."""

from __future__ import annotations

import html
from collections.abc import Sequence

from fer_core.robustness.corruptions import LEVELS
from fer_core.robustness.robustness import Robustness
from pages.widgets.component import component, script, stylesheet

# from the palette of Okabe and Ito, as in the figures of classes
_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
)
_WIDTH, _HEIGHT = 180, 104  # of a panel, in SVG units
_LEFT, _RIGHT, _TOP, _BOTTOM = 26, 6, 8, 16
# A component, since st.html removes inline SVG.
_component = component(
    "fer_small_multiples", html='<div class="chart"></div>', css=stylesheet(__file__), js=script(__file__)
)


def show(results: Sequence[Robustness], names: Sequence[tuple[str, str]], key: str) -> None:
    """Draw the panels.

    Args:
        results: One curve for each; at least one.
        names: The corruptions in order, with their display names.
        key: Key of the component.
    """
    keys = ""
    if len(results) > 1:
        keys = "".join(
            f'<span><i style="background:{c}"></i>{html.escape(r.model)}</span>'
            for r, c in zip(results, _COLOURS, strict=False)
        )
        keys = f'<div class="keys">{keys}</div>'
    panels = "".join(
        f"<div><h6>{html.escape(title)}</h6>{_panel(results, name, title)}</div>" for name, title in names
    )
    _component(key=key, data={"html": f'{keys}<div class="panels">{panels}</div>'})


def _panel(results: Sequence[Robustness], name: str, title: str) -> str:
    parts = []
    for share in (0, 0.5, 1):
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" '
            'stroke="currentColor" opacity=".15"/>'
            f'<text x="{_LEFT - 4}" y="{_y(share) + 3:.1f}" text-anchor="end">{100 * share:.0f}%</text>'
        )
    parts += [
        f'<text x="{_x(level):.1f}" y="{_HEIGHT - 4}" text-anchor="middle">{level}</text>' for level in LEVELS
    ]
    for result, colour in zip(results, _COLOURS, strict=False):
        values, intervals = result.accuracies(name), result.intervals(name)
        band = [(_x(level), _y(high)) for level, (_, high) in zip(LEVELS, intervals, strict=True)]
        band += [
            (_x(level), _y(low))
            for level, (low, _) in zip(reversed(LEVELS), reversed(intervals), strict=True)
        ]
        line = [(_x(level), _y(value)) for level, value in zip(LEVELS, values, strict=True)]
        clean = _y(result.clean_accuracy)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{clean:.1f}" y2="{clean:.1f}" stroke="{colour}" '
            'stroke-dasharray="4 3"/>'
            f'<polygon points="{_points(band)}" fill="{colour}" opacity=".25"/>'
            f'<polyline points="{_points(line)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        for level, value, (low, high), (x, y) in zip(LEVELS, values, intervals, line, strict=True):
            tip = f"{result.model}, {title}, level {level}: {value:.1%} ({low:.1%} to {high:.1%})"
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" '
                f'fill="{colour}"><title>{html.escape(tip)}</title></circle>'
            )
    values_by_model = "; ".join(
        f"{r.model} {', '.join(f'{value:.0%}' for value in r.accuracies(name))}" for r in results
    )
    alt = html.escape(f"{title}: accuracy at levels 1 to 5: {values_by_model}", quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{alt}">{"".join(parts)}</svg>'


def _x(level: int) -> float:
    return _LEFT + 8 + (level - LEVELS[0]) / (LEVELS[-1] - LEVELS[0]) * (_WIDTH - _LEFT - _RIGHT - 16)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
