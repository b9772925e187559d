"""Open the app in the browser: the command `fer-explorer`."""

from __future__ import annotations

import subprocess
import sys

from .resources import ROOT


def main() -> int:
    """Run the app with Streamlit from any folder; arguments are passed on as options of `streamlit run`.

    Returns:
        The exit status of Streamlit.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), *sys.argv[1:]]
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:  # Streamlit gets it too, and ends
        return 0
