"""Rendering of the HTML templates of this folder."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from .. import __version__
from ..emotions import COLOURS, EMOJI
from ..wording import plural

_FOLDER = Path(__file__).resolve().parent


def render(template: str, **values: Any) -> str:
    """Fill `template` (such as "dataset.html.j2") with `values`. Text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["face"] = data_uri
    environment.filters["percent"] = lambda value, digits=1: f"{value:.{digits}%}"
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["plural"] = plural
    return environment.get_template(template).render(
        values, colours=COLOURS, emoji=EMOJI, version=__version__, written=time.strftime("%Y-%m-%d %H:%M")
    )


def data_uri(image: np.ndarray) -> str:
    """Return a grey (H, W) uint8 image as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
