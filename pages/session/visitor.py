"""Who visits, where the app is hosted for many: each visitor has folders of their own. In local use there is one user, and nothing of this."""

from __future__ import annotations

import contextvars
import functools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core import storage
from fer_core.errors import FerError, ModelError
from fer_core.hosting import memory, quotas, sources, visitors
from fer_core.hosting.settings import SWITCH, HostingSettings
from fer_core.hosting.visitors import Visitors

P, R = ParamSpec("P"), TypeVar("R")

_COOKIE, _TOKEN = "fer_visitor", "visitor_token"
_LOOK_AT_SECRETS = 30  # seconds between two looks, since there are many questions in one run of a page
_carried: contextvars.ContextVar[Path | None] = contextvars.ContextVar("home", default=None)
# The secret stays in the browser, so that a refresh or a second tab finds the visitor's runs again. Streamlit reads cookies and cannot
# set them. Of two tabs that opened at once, the first one's stays.
_REMEMBER = """<script>
const known = document.cookie.match(/(?:^|; )fer_visitor=([A-Za-z0-9_-]{43})(?:;|$)/);
document.cookie = "fer_visitor=" + (known ? known[1] : "TOKEN") + "; Path=PATH; Max-Age=SECONDS; SameSite=Lax"
  + (location.protocol === "https:" ? "; Secure" : "");
</script>"""


def hosted() -> Visitors | None:
    """What holds for visitors, or None in local use.

    Raises:
        ConfigError: the settings are not as they should be.
    """
    environment = tuple(
        sorted((name, value) for name, value in os.environ.items() if name.startswith(SWITCH))
    )
    if not environment and not _secrets(int(time.monotonic() // _LOOK_AT_SECRETS)):
        return None
    settings = HostingSettings.read(dict(environment), _secrets(int(time.monotonic() // _LOOK_AT_SECRETS)))
    return (
        None
        if settings is None
        else Visitors(storage.everybodys_runs() / visitors.FOLDER, settings, storage.data_folder())
    )


@functools.lru_cache(maxsize=1)
def _secrets(_when: int) -> Mapping[str, Any]:
    try:
        found = st.secrets.get("hosting", {})
    except StreamlitSecretNotFoundError:
        return {}
    return dict(found) if isinstance(found, Mapping) else {"enabled": found}


def enter() -> None:
    """At the start of each run of the app: know the visitor. Settings that are wrong end the page: an app that should be hosted is no local one."""
    storage.keep_apart_by(home)
    try:
        everybody = hosted()
        if everybody is None:
            return
        visitors.establish(everybody.settings, everybody.data_folder)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    from . import keeper  # only here: it needs what training needs

    if config.get_option("server.maxUploadSize") > everybody.settings.upload_mb:
        config.set_option(
            "server.maxUploadSize", everybody.settings.upload_mb
        )  # holds for who sends a file without the page, too
    visitors.touch(_home_in(everybody))
    keeper.keep(everybody)


def remember() -> None:
    """Let the browser keep who it is; at the end of the page, whatever ended it."""
    everybody = hosted()
    if everybody is None:
        return
    path = "/" + (config.get_option("server.baseUrlPath") or "").strip("/")
    script = (
        _REMEMBER.replace("TOKEN", _token())
        .replace("PATH", path)
        .replace("SECONDS", str(everybody.settings.days * 86_400))
    )
    st.html(script, unsafe_allow_javascript=True)


def home() -> Path | None:
    """The folder of the visitor whose page this is, or whose work `carried` took along; None in local use."""
    everybody = hosted()
    return None if everybody is None else _home_in(everybody)


def _home_in(everybody: Visitors) -> Path:
    if (carried := _carried.get()) is not None:
        return carried
    if get_script_run_ctx(suppress_warning=True) is None:
        # Whoever asks outside a page must have been told whose work it is: to guess would show one visitor another one's things.
        raise RuntimeError("It is not known which visitor this is for: wrap the function in visitor.carried.")
    return everybody.home(_token())


def _token() -> str:
    token = st.session_state.get(_TOKEN)
    if token is None:
        cookie = st.context.cookies.get(_COOKIE)
        token = st.session_state[_TOKEN] = cookie if visitors.is_token(cookie) else visitors.new_token()
    return token


def key() -> str:
    """Tells visitors apart in the keys of what is kept for all sessions; empty in local use."""
    mine = home()
    return "" if mine is None else mine.name


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """`work`, to be done outside the page (in a thread, or when a file is fetched), for the visitor of this page."""
    mine = home()

    @functools.wraps(work)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        before = _carried.set(mine)
        try:
            return work(*args, **kwargs)
        finally:
            _carried.reset(before)

    return done


# --- what a visitor may ------------------------------------------------------------------------------------------------


def check_source(source: str) -> None:
    """Raises DataError where the visitor may not open this data set. In local use everything may be opened."""
    if (everybody := hosted()) is not None:
        sources.check_source(source, everybody, _home_in(everybody))


def check_faces(count: int) -> None:
    """Raises DataError where a data set is too large for this server."""
    if (everybody := hosted()) is not None:
        sources.check_size(count, everybody.settings)


def check_upload(name: str, content: bytes) -> None:
    """Raises FerError where an upload is too large, or there is no room left for it."""
    if (everybody := hosted()) is not None:
        sources.check_upload(name, content, everybody.settings)
        quotas.check_space(_home_in(everybody), len(content))


def check_helper(what: str) -> None:
    """Before a process with TensorFlow is started for a page, which takes much memory.

    Raises:
        ModelError: a hosted app has no room for it now.
    """
    everybody = hosted()
    if everybody is not None and memory.free(everybody.settings.memory_mb) < memory.HELPER_MB * 1_000_000:
        raise ModelError(
            f"{what} needs {memory.HELPER_MB} MB of memory, which this server has not left now: try again when no run trains."
        )


def helper_environment() -> dict[str, str]:
    """The environment of such a process."""
    return os.environ | ({} if hosted() is None else memory.SPARING)


def upload_megabytes(most: int) -> int:
    """How large an upload may be that could else have `most` MB."""
    everybody = hosted()
    return most if everybody is None else min(most, everybody.settings.upload_mb)


def shown_source(source: str) -> str:
    """A data set as the command of a shell names it; without the server's folders in a hosted app."""
    return source if hosted() is None or source.startswith("synthetic") else Path(source).name


def without_folders(sentence: str) -> str:
    """A sentence without the server's folders, where the app is hosted."""
    everybody = hosted()
    if everybody is None:
        return sentence
    mine = _home_in(everybody)
    for folder in (
        *(mine / part for part in ("data/uploads", "data", "runs", "models")),
        mine,
        everybody.root,
        everybody.data_folder,
        Path.cwd(),
    ):
        sentence = sentence.replace(f"{folder}{os.sep}", "").replace(str(folder), "the server")
    return sentence


def shown_path(path: Path) -> str:
    """A path as it is shown: in a hosted app only its name, since where it lies is nobody's business."""
    return str(path) if hosted() is None else path.name
