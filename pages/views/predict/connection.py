"""Connection check: why there is no live video, as far as browser and server can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from pages.session.foreign_text import plain
from pages.widgets.component import script

from .turn_servers import TurnServers

PATIENCE = 10.0  # seconds without video after which a connection counts as broken

_component = st.components.v2.component("fer_camera_check", html="<span></span>", js=script(__file__))


@dataclass(frozen=True)
class Browser:
    """What the browser reports about its camera; None until it has answered."""

    secure: bool | None = None
    permission: str | None = None  # "granted", "denied", "prompt" or "unknown"
    cameras: int | None = None  # -1: unknown


@dataclass(frozen=True)
class Check:
    """One item of the connection check."""

    name: str
    good: bool | None  # None: unknown, or not needed
    sentence: str


def ask_browser(key: str) -> Browser:
    """Return the report of the browser; the page runs again when it changes."""
    report: Any = (
        _component(key=key, default={"found": None}, on_found_change=lambda: None).get("found") or {}
    )
    return Browser(report.get("secure"), report.get("permission"), report.get("cameras"))


def is_local(url: str | None) -> bool:
    """Return whether the address of a page is on the server's own machine."""
    host = urlsplit(url or "http://localhost").hostname or ""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def checks(
    url: str | None, browser: Browser, servers: TurnServers, waited: float | None, video: bool
) -> list[Check]:
    """Return all checks, in the order in which they matter.

    Args:
        url: Address of the page in the browser.
        browser: Report of the browser.
        servers: The TURN servers.
        waited: Seconds since the video was started, or None.
        video: Whether any frame has arrived since.
    """
    return [
        _security(url, browser),
        _camera(browser),
        _permission(browser),
        _relay(url, servers),
        _connection(url, servers, waited, video),
    ]


def _security(url: str | None, browser: Browser) -> Check:
    if browser.secure is False or (
        browser.secure is None and not is_local(url) and urlsplit(url or "").scheme == "http"
    ):
        return Check(
            "https",
            False,
            "Browsers allow the camera only for pages over https or from localhost: open this page with "
            "https://, or ask its operator to serve it over https.",
        )
    return Check("https", True, "The page may ask for a camera.")


def _camera(browser: Browser) -> Check:
    if browser.cameras == 0:
        return Check(
            "Camera",
            False,
            "This device has no camera, or another program blocks it: connect one, or upload a photo.",
        )
    if browser.cameras is None or browser.cameras < 0:
        return Check("Camera", None, "The browser has not reported whether there is a camera.")
    return Check(
        "Camera", True, f"The browser sees {browser.cameras} camera{'s' if browser.cameras > 1 else ''}."
    )


def _permission(browser: Browser) -> Check:
    if browser.permission == "denied":
        return Check(
            "Permission",
            False,
            "The browser blocks the camera for this page: allow it with the icon beside the address, then "
            "press Start again.",
        )
    if browser.permission == "granted":
        return Check("Permission", True, "This page may use the camera.")
    return Check("Permission", None, "The browser will ask you when you press Start: choose Allow.")


def _relay(url: str | None, servers: TurnServers) -> Check:
    if servers.problem:
        return Check("Relay", False, servers.problem)
    if servers.source:
        return Check(
            "Relay",
            True,
            f"TURN servers are configured ({servers.source}); video that passes through them stays "
            "encrypted.",
        )
    if is_local(url):
        return Check("Relay", True, "Not needed: browser and app are on the same machine.")
    return Check(
        "Relay",
        None,
        "No relay (TURN) server is configured. Video works without one in the same network; elsewhere, "
        "firewalls often block it. The operator of the app can set iceServers, or the keys of Cloudflare "
        "or Twilio, in .streamlit/secrets.toml.",
    )


def _connection(url: str | None, servers: TurnServers, waited: float | None, video: bool) -> Check:
    if video:
        return Check("Connection", True, "Video arrives.")
    if waited is None:
        return Check("Connection", None, "Not tested yet: press Start.")
    if waited < PATIENCE:
        return Check("Connection", None, "Connecting ...")
    if servers.source or is_local(url):
        why = "Another program may be using the camera, or a firewall or VPN blocks video (UDP)"
    else:
        why = "A firewall between you and the app blocks video, and no relay (TURN) server is configured"
    return Check(
        "Connection",
        False,
        f"No video arrived within {PATIENCE:.0f} seconds. {why}: press Stop, and take a snapshot instead.",
    )


def show(points: list[Check]) -> None:
    """Draw the first problem as a warning, and all checks in an expander."""
    wrong = next((point for point in points if point.good is False), None)
    if wrong is not None:
        st.warning(plain(wrong.sentence), icon=":material/videocam_off:")
    with st.expander("Connection check", icon=":material/network_check:"):
        for point in points:
            mark = {True: ":material/check_circle:", False: ":material/error:", None: ":material/help:"}[
                point.good
            ]
            st.markdown(f"{mark} **{plain(point.name)}.** {plain(point.sentence)}")
