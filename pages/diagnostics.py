"""The door for a deep link to /diagnostics on a freshly started server; see streamlit_app.py."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parent.parent / "streamlit_app.py"))
