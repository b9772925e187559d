"""`streamlit run` in a fork of a process that has imported the libraries, which take most of each start.

The app's own modules are not among them: each server imports these itself, as on a fresh machine.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

_context = multiprocessing.get_context("forkserver")
_LIBRARIES = """
    streamlit.web.cli streamlit.web.bootstrap uvicorn requests pandas pyarrow plotly.graph_objects PIL.Image
    cv2 pillow_heif pydantic scipy.stats jinja2
"""
_context.set_forkserver_preload(_LIBRARIES.split())


def start(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> BaseProcess:
    """Start `streamlit ARGUMENTS` in `folder`; what it prints is added to `log`."""
    process = _context.Process(target=_run, args=(list(arguments), folder, dict(environment), log))
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")  # AppTest leaves the app there, which would be run first
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    return process


def _run(arguments: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with open(log, "ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    faulthandler.enable()
    from streamlit.web import cli

    sys.argv = ["streamlit", *arguments]
    cli.main()
