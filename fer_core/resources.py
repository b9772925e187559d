"""Files that come with FER Explorer: the shipped models and the app's pages.

In a checkout they are in its root folder; in an installed wheel, inside the package.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_resources"

INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if INSTALLED else _PACKAGE.parent  # holds models/, pages/, streamlit_app.py and .streamlit/
MODELS_DIR = ROOT / "models"


def subprocess_environment() -> dict[str, str]:
    """Return the environment of a child process that runs `python -m fer_core` from any folder.

    In a checkout, which is not installed, PYTHONPATH begins with its root.
    """
    environment = dict(os.environ)
    if not INSTALLED:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    return environment
