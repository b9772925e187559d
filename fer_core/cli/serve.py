"""The command serve: the HTTP API."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from ..errors import FerError
from .arguments import PHOTO_MODELS, Commands, non_negative_int, positive_int

_SHUTDOWN_SECONDS = 5  # for the requests that are under way


def add_commands(commands: Commands) -> None:
    parser = commands.add("serve", serve, "Serve predictions over HTTP.")
    parser.add_argument("--model", metavar="NAME|PATH", help=PHOTO_MODELS)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="0.0.0.0 lets other machines in (default: 127.0.0.1, this machine alone)",
    )
    parser.add_argument(
        "--port", type=non_negative_int, default=8000, help="0 takes a free one (default: 8000)"
    )
    parser.add_argument(
        "--max-megabytes",
        type=positive_int,
        default=20,
        metavar="N",
        help="maximum size of a request in MB (default: 20)",
    )
    parser.add_argument(
        "--per-minute",
        type=positive_int,
        default=120,
        metavar="N",
        help="maximum requests per client and minute (default: 120)",
    )


def serve(options: argparse.Namespace) -> None:
    import uvicorn

    from ..bundles.bundle import PHOTO_MODEL, find_bundle
    from ..diagnostics import log
    from ..serve import Limits, create_app
    from ..serve.connections import Connection

    if os.environ.get(log.SWITCH):  # else a terminal shows nothing but where it answers
        log.set_up()
    limits = Limits(megabytes=options.max_megabytes, per_minute=options.per_minute)
    app = create_app(find_bundle(options.model or PHOTO_MODEL), limits)
    try:
        listening = socket.create_server((options.host, options.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FerError(
            f"{options.host}:{options.port} cannot be listened at: {reason}; choose another --port or --host."
        ) from None
    with listening:
        host, port = listening.getsockname()[:2]
        print(
            f"Listening on http://{host}:{port}; see /docs. Press Ctrl-C to stop.",
            file=sys.stderr,
            flush=True,
        )
        config = uvicorn.Config(
            app,
            http=Connection,
            log_level="warning",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            access_log=False,
        )
        uvicorn.Server(config).run(sockets=[listening])
