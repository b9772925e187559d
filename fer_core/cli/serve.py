"""The command serve: the HTTP API."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from ..errors import FerError


def serve(options: argparse.Namespace) -> None:
    import uvicorn

    from ..bundle import find_bundle
    from ..diagnostics import log
    from ..serve import Limits, create_app

    if os.environ.get(log.SWITCH):  # else a terminal shows nothing but where it answers
        log.set_up()
    limits = Limits(megabytes=options.max_megabytes, per_minute=options.per_minute)
    app = create_app(find_bundle(options.model), limits)
    try:
        listening = socket.create_server((options.host, options.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FerError(
            f"{options.host}:{options.port} cannot be listened at: {reason}; choose another --port or --host."
        ) from None
    with listening:
        host, port = listening.getsockname()[:2]
        print(f"http://{host}:{port} answers, /docs explains; Ctrl-C ends it.", file=sys.stderr, flush=True)
        config = uvicorn.Config(
            app, log_level="warning", limit_concurrency=64, timeout_keep_alive=5, access_log=False
        )
        uvicorn.Server(config).run(sockets=[listening])
