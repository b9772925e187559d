"""`python -m fer_core`: everything that the app does, from the shell.

Exit status 0; 1 with one sentence on stderr for an error of the user's; 2 for wrong usage. Under --json
nothing but JSON comes on stdout.
"""

from __future__ import annotations

import argparse
import io
import os
import sys

from .. import __version__
from ..errors import FerError
from . import adapt, data, evaluate, import_model, models, predict, runs, score, serve, train
from .arguments import Commands, join_label_options
from .output import fail


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):  # a file name may have letters that the terminal's coding lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        join_label_options(options)
        status = options.command(options)
    except FerError as error:
        return fail(str(error))
    except MemoryError:
        return fail("There is not enough memory for this.")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:  # a full disk, a folder without permission
        return fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
    return int(status or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fer_core", description="Facial expression recognition on FER2013-style data."
    )
    parser.add_argument("--version", action="version", version=f"fer_core {__version__}")
    commands = Commands(parser)
    for module in (data, models, import_model, adapt, train, runs, evaluate, predict, score, serve):
        module.add_commands(commands)
    return parser
