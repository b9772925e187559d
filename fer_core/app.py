"""Open the app in the browser: the command `fer-explorer`."""

from __future__ import annotations

import os
import subprocess
import sys

from .resources import ROOT


def main() -> int:
    """Run the app with Streamlit from any folder; arguments are passed on as options of `streamlit run`.

    Returns:
        The exit status of Streamlit. On Linux and macOS Streamlit takes the place of this process.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # as a child it would outlive a command that is killed
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:  # Streamlit gets it too, and ends
        return 0
