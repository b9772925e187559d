"""Work on what a visitor uploaded: in a thread, for this session alone, with results as they come; it can be cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from fer_core.diagnostics import log
from fer_core.errors import FerError

_REFRESH_SECONDS = 0.7
Generate = Callable[
    [Callable[[float], None], Callable[[], bool]], Iterator[Any]
]  # takes on_progress and cancelled


@dataclass
class Work:
    """One piece of work, under way or ended."""

    what: str  # tells the uploads it is about
    results: list[Any] = field(default_factory=list)
    share: float = 0.0
    error: str | None = None
    done: bool = False
    cancelled: bool = False


def start(key: str, what: str, generate: Generate) -> None:
    """Begin; what was under way under this key is cancelled."""
    cancel(key)
    work = st.session_state[key] = Work(what)
    threading.Thread(target=_carry_out, args=(work, generate), name=f"fer-{key}", daemon=True).start()


def _carry_out(work: Work, generate: Generate) -> None:
    def tell(share: float) -> None:
        work.share = share

    try:
        for result in generate(tell, lambda: work.cancelled):
            work.results.append(result)
    except (FerError, OSError) as error:
        work.error = str(error)
    except Exception:
        logging.getLogger("fer").exception("the work failed")
        work.error = "This failed unexpectedly; the log of the app says why."
    finally:
        work.done = True
        log.event(
            "work ended", results=len(work.results), cancelled=work.cancelled, failed=work.error is not None
        )


def of(key: str, what: str) -> Work | None:
    """The work on these uploads; that on others is cancelled and forgotten."""
    work: Work | None = st.session_state.get(key)
    if work is not None and work.what != what:
        cancel(key)
        del st.session_state[key]
        return None
    return work


def cancel(key: str) -> None:
    """End it soon; the results so far are kept."""
    work: Work | None = st.session_state.get(key)
    if work is not None:
        work.cancelled = True


def follow(key: str, draw: Callable[[Work], None]) -> None:
    """Draw the work; again and again while it goes on, and the whole page once it has ended."""
    going = not st.session_state[key].done

    def look() -> None:
        work: Work | None = st.session_state.get(key)
        if work is None:
            return
        if going and work.done:
            st.rerun()
        if not work.done:
            left, right = st.columns([5, 1], vertical_alignment="center")
            left.progress(work.share, text=f"{work.share:.0%}")
            right.button(
                "Cancel",
                key=f"{key}_cancel",
                icon=":material/close:",
                on_click=cancel,
                args=(key,),
                width="stretch",
            )
        elif work.cancelled:
            st.caption("Cancelled; what follows is what was done until then.")
        if work.error:
            st.error(work.error, icon=":material/error:")
        draw(work)

    st.fragment(look, run_every=_REFRESH_SECONDS if going else None)()
