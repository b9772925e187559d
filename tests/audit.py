"""What Python does that leaves a process: files opened for writing, made or renamed, programs started, and
whom it calls."""

import os
import sys
from collections.abc import Callable

_OTHERS = {
    "os.mkdir",
    "os.rename",
    "tempfile.mkstemp",
    "tempfile.mkdtemp",
    "subprocess.Popen",
    "socket.connect",
    "socket.sendto",
    "socket.getaddrinfo",
}


def watch(tell: Callable[[list[str]], object]) -> None:
    """Call `tell` with [event, arguments] from now on. Native code is not seen."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            named = isinstance(mode, str) and bool(set(mode) & set("wax+"))
            if (named or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))) and str(
                path
            ) != os.devnull:
                tell([event, str(path)])
        elif event in _OTHERS:
            tell([event, str(arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0])])

    sys.addaudithook(hook)
