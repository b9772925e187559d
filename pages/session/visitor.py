"""The visitor of a hosted app, who has folders and limits of their own.

In local use there is one user: `hosted` returns None, and every check passes.
"""

from __future__ import annotations

import contextvars
import functools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core import storage
from fer_core.errors import FerError
from fer_core.hosting import visitors
from fer_core.hosting.settings import SWITCH, HostingSettings
from fer_core.hosting.visitors import Visitors

from .foreign_text import plain

if TYPE_CHECKING:
    from fer_core.data.budget import Budget

P = ParamSpec("P")
R = TypeVar("R")

_COOKIE, _TOKEN = "fer_visitor", "visitor_token"
_SECRETS_SECONDS = 30  # the secrets are read again after this time; one run of a page asks often
_wrapped_home: contextvars.ContextVar[Path | None] = contextvars.ContextVar("home", default=None)
# Sets a cookie, so that a reload or a second tab finds the visitor's runs again: Streamlit reads cookies but
# cannot set them. Of two tabs that opened at once, the first one's secret stays.
_SCRIPT = Path(__file__).with_suffix(".js")


def hosted() -> Visitors | None:
    """Return the visitors of a hosted app with their settings, or None in local use.

    Raises:
        ConfigError: The hosting settings are invalid.
    """
    environment = tuple(
        sorted((name, value) for name, value in os.environ.items() if name.startswith(SWITCH))
    )
    if not environment and not _secrets(int(time.monotonic() // _SECRETS_SECONDS)):
        return None
    settings = HostingSettings.read(dict(environment), _secrets(int(time.monotonic() // _SECRETS_SECONDS)))
    return (
        None
        if settings is None
        else Visitors(storage.shared_runs_folder() / visitors.FOLDER, settings, storage.data_folder())
    )


@functools.lru_cache(maxsize=1)
def _secrets(_when: int) -> Mapping[str, Any]:
    try:
        settings = st.secrets.get("hosting", {})
    except StreamlitSecretNotFoundError:
        return {}
    return dict(settings) if isinstance(settings, Mapping) else {"enabled": settings}


def enter() -> Visitors | None:
    """Identify the visitor at the start of a run of the app; wrong hosting settings end the page.

    Returns:
        All visitors of a hosted app, or None in local use.
    """
    storage.set_visitor_folder(home)
    try:
        all_visitors = hosted()
        if all_visitors is None:
            return None
        visitors.establish(all_visitors.settings, all_visitors.data_folder)
    except FerError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()
    # Also holds for a client that sends a file without the page.
    if config.get_option("server.maxUploadSize") > all_visitors.settings.upload_mb:
        config.set_option("server.maxUploadSize", all_visitors.settings.upload_mb)
    visitors.touch(_home_in(all_visitors))
    return all_visitors


def store_secret() -> None:
    """Store the visitor's secret in the browser; called at the end of each run of the app."""
    all_visitors = hosted()
    if all_visitors is None:
        return
    path = "/" + (config.get_option("server.baseUrlPath") or "").strip("/")
    script = (
        _SCRIPT.read_text(encoding="utf-8")
        .replace("TOKEN", _token())
        .replace("PATH", path)
        .replace("SECONDS", str(all_visitors.settings.days * 86_400))
    )
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def home() -> Path | None:
    """Return the folder of the visitor of this page or of a wrapped function; None in local use."""
    all_visitors = hosted()
    return None if all_visitors is None else _home_in(all_visitors)


def _home_in(all_visitors: Visitors) -> Path:
    if (wrapped := _wrapped_home.get()) is not None:
        return wrapped
    if get_script_run_ctx(suppress_warning=True) is None:
        # Outside a page there is no visitor: to guess would show one visitor the files of another.
        raise RuntimeError("Unknown visitor: wrap functions that run outside a page in visitor.with_visitor.")
    return all_visitors.home(_token())


def _token() -> str:
    if _TOKEN not in st.session_state:
        cookie = st.context.cookies.get(_COOKIE)
        st.session_state[_TOKEN] = cookie if visitors.is_token(cookie) else visitors.new_token()
    token: str = st.session_state[_TOKEN]
    return token


def key() -> str:
    """Return the visitor's part of a cache key; empty in local use."""
    folder = home()
    return "" if folder is None else folder.name


def with_visitor(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function that runs outside the page (in a thread, at a download) with its visitor."""
    folder = home()

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _wrapped_home.set(folder)
        try:
            return function(*args, **kwargs)
        finally:
            _wrapped_home.reset(token)

    return wrapped


# --- limits. They need much of fer_core, which is not imported before the first title is on the screen.


def check_source(source: str) -> None:
    """Check that the visitor may open a data set.

    Raises:
        DataError: It belongs to someone else, or to the server.
    """
    if (all_visitors := hosted()) is not None:
        from fer_core.hosting import sources

        sources.check_source(source, all_visitors, _home_in(all_visitors))


def budget(source: str) -> Budget:
    """Return what a data set may take at most: faces, unpacked bytes and pixels."""
    from fer_core.data.budget import Budget
    from fer_core.hosting import sources

    all_visitors = hosted()
    return Budget() if all_visitors is None else sources.budget(source, all_visitors)


def check_upload(name: str, content: bytes) -> None:
    """Check the size of an upload.

    Raises:
        FerError: It is too large, or there is no room left for it.
    """
    if (all_visitors := hosted()) is not None:
        from fer_core.hosting import quotas, sources

        sources.check_upload(name, content, all_visitors.settings)
        quotas.check_space(_home_in(all_visitors), len(content))


def check_space(more: int) -> None:
    """Check that the visitor may store `more` bytes.

    Raises:
        FerError: There is no room left for them.
    """
    if (all_visitors := hosted()) is not None:
        from fer_core.hosting import quotas

        quotas.check_space(_home_in(all_visitors), more)


def upload_megabytes(limit: int) -> int:
    """Return the upload limit in MB: `limit`, or the limit of a hosted app if that is lower."""
    all_visitors = hosted()
    return limit if all_visitors is None else min(limit, all_visitors.settings.upload_mb)


def shown_source(source: str) -> str:
    """Return a source as shown in a shell command: a full path, and only the name in a hosted app."""
    if source.startswith(("synthetic", "kaggle:")):
        return source
    return str(Path(source).resolve()) if hosted() is None else Path(source).name


def hide_folders(sentence: str) -> str:
    """Return a sentence with the server's folders removed in a hosted app."""
    all_visitors = hosted()
    if all_visitors is None:
        return sentence
    own_folder = _home_in(all_visitors)
    for folder in (
        *(own_folder / part for part in ("data/uploads", "data", "runs", "models")),
        own_folder,
        all_visitors.root,
        all_visitors.data_folder,
        Path.cwd(),
    ):
        sentence = sentence.replace(f"{folder}{os.sep}", "").replace(str(folder), "the server")
    return sentence


def shown_path(path: Path) -> str:
    """Return a path as shown to the visitor: in a hosted app only its name."""
    return str(path) if hosted() is None else path.name
