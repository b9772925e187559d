"""The Chromium that the browser tests drive."""

from __future__ import annotations

import shutil

import pytest

# The first is Chromium without its own windows and menus: a page takes half the CPU time.
NAMES = ("chromium-headless-shell", "chromium", "google-chrome")


def executable() -> str:
    """Return its path, or skip the test where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium is installed (apt-get install chromium-headless-shell)")
