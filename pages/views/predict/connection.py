"""Why there is no live video: what the browser and the server know, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from .relay import Relay

PATIENCE = 10.0  # seconds after which a connection that shows no video is called broken

_JS = """
export default function({ parentElement, setStateValue }) {
  const tell = async () => {
    const found = { secure: window.isSecureContext && !!navigator.mediaDevices, permission: "unknown", cameras: -1 }
    try {
      const permission = await navigator.permissions.query({ name: "camera" })
      found.permission = permission.state
      permission.onchange = tell
    } catch {}  // Firefox before 131 does not know the name
    try {
      const devices = await navigator.mediaDevices.enumerateDevices()
      found.cameras = devices.filter((device) => device.kind === "videoinput").length
    } catch {}
    const text = JSON.stringify(found)
    const here = parentElement.querySelector("span")
    if (here.dataset.told === text) return  // else every run of the page would cause the next one
    here.dataset.told = text
    setStateValue("found", found)
  }
  tell()
}
"""
_component = st.components.v2.component("fer_camera_check", html="<span></span>", js=_JS)


@dataclass(frozen=True)
class Browser:
    """What a browser tells of its camera; None where it has not answered."""

    secure: bool | None = None
    permission: str | None = None  # "granted", "denied", "prompt" or "unknown"
    cameras: int | None = None  # -1: unknown


@dataclass(frozen=True)
class Check:
    """One point of the connection check."""

    name: str
    good: bool | None  # None: it is not known, or may be as it is
    sentence: str


def ask_browser(key: str) -> Browser:
    """What it says now; it draws nothing, and the page runs again when the answer changes."""
    found: Any = _component(key=key, default={"found": None}, on_found_change=lambda: None).get("found") or {}
    return Browser(found.get("secure"), found.get("permission"), found.get("cameras"))


def is_local(url: str | None) -> bool:
    """Whether a page's address is on the server's own machine."""
    host = urlsplit(url or "http://localhost").hostname or ""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def checks(url: str | None, browser: Browser, relay: Relay, waited: float | None, video: bool) -> list[Check]:
    """All points, in the order in which they matter.

    Args:
        url: of the page, as the browser has it.
        waited: seconds since the video was started; None where it was not.
        video: whether any came since.
    """
    return [
        _security(url, browser),
        _camera(browser),
        _permission(browser),
        _relay(url, relay),
        _connection(url, relay, waited, video),
    ]


def _security(url: str | None, browser: Browser) -> Check:
    if browser.secure is False or (
        browser.secure is None and not is_local(url) and urlsplit(url or "").scheme == "http"
    ):
        return Check(
            "https",
            False,
            "Browsers give the camera only to pages that come over https, or from localhost: open this page with https://, or let whoever "
            "runs it put it behind https.",
        )
    return Check("https", True, "The page may ask for a camera.")


def _camera(browser: Browser) -> Check:
    if browser.cameras == 0:
        return Check(
            "Camera",
            False,
            "This device has no camera, or another program hides it: plug one in, or upload a photo.",
        )
    if browser.cameras is None or browser.cameras < 0:
        return Check("Camera", None, "The browser has not said whether there is a camera.")
    return Check(
        "Camera", True, f"The browser sees {browser.cameras} camera{'s' if browser.cameras > 1 else ''}."
    )


def _permission(browser: Browser) -> Check:
    if browser.permission == "denied":
        return Check(
            "Permission",
            False,
            "The browser keeps the camera from this page: allow it with the symbol beside the address, then press Start again.",
        )
    if browser.permission == "granted":
        return Check("Permission", True, "This page may use the camera.")
    return Check("Permission", None, "The browser will ask you when you press Start: choose Allow.")


def _relay(url: str | None, relay: Relay) -> Check:
    if relay.problem:
        return Check("Relay", False, relay.problem)
    if relay.source:
        return Check(
            "Relay", True, f"Relay servers are set ({relay.source}); video that passes them stays encrypted."
        )
    if is_local(url):
        return Check("Relay", True, "None is needed: browser and app are on the same machine.")
    return Check(
        "Relay",
        None,
        "No relay (TURN) server is set. In the same network video works without one; elsewhere firewalls often stop it. Whoever runs the "
        "app sets iceServers, or the keys of Cloudflare or Twilio, in .streamlit/secrets.toml.",
    )


def _connection(url: str | None, relay: Relay, waited: float | None, video: bool) -> Check:
    if video:
        return Check("Connection", True, "Video arrives.")
    if waited is None:
        return Check("Connection", None, "Not tried yet: press Start.")
    if waited < PATIENCE:
        return Check("Connection", None, "Connecting ...")
    if relay.source or is_local(url):
        why = "Another program may use the camera, or a firewall or VPN stops video (UDP)"
    else:
        why = "A firewall between you and the app stops video, and no relay (TURN) server is set to lead around it"
    return Check(
        "Connection",
        False,
        f"No video came within {PATIENCE:.0f} seconds. {why}: press Stop, and take a snapshot instead.",
    )


def show(points: list[Check]) -> None:
    """The first thing that is wrong as a warning, and all points behind a fold."""
    wrong = next((point for point in points if point.good is False), None)
    if wrong is not None:
        st.warning(wrong.sentence, icon=":material/videocam_off:")
    with st.expander("Connection check", icon=":material/network_check:"):
        for point in points:
            mark = {True: ":material/check_circle:", False: ":material/error:", None: ":material/help:"}[
                point.good
            ]
            st.markdown(f"{mark} **{point.name}.** {point.sentence}")
