"""TURN servers, which relay video where browser and server cannot connect directly.

The settings come from `st.secrets` or from the environment.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit_webrtc import get_cloudflare_ice_servers

_CLOUDFLARE = ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN")
_TWILIO = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
_TIMEOUT = 10  # seconds


@dataclass(frozen=True)
class TurnServers:
    """ICE servers for the browser, where they come from, and an error message for invalid settings."""

    servers: list[dict[str, Any]]
    source: str | None = None
    problem: str | None = None


def configured() -> TurnServers:
    """Return the configured servers; without settings there are none, and no request is made."""
    return from_settings(_settings())


def from_settings(settings: dict[str, Any]) -> TurnServers:
    """Return the servers for a list `iceServers`, or for the keys of Cloudflare or Twilio."""
    if (plain := settings.get("iceServers")) is not None:
        servers = (
            [dict(server) for server in plain if isinstance(server, Mapping)]
            if isinstance(plain, list)
            else []
        )
        if not servers or not all("urls" in server for server in servers):
            return TurnServers(
                [],
                None,
                "iceServers in the secrets must be a list of tables with urls, and username and "
                "credential where needed.",
            )
        return TurnServers(servers, "iceServers")
    for names, service, ask in (
        (_CLOUDFLARE, "Cloudflare", get_cloudflare_ice_servers),
        (_TWILIO, "Twilio", twilio_servers),
    ):
        first, second = (str(settings.get(name) or "") for name in names)
        if not first and not second:
            continue
        if not first or not second:
            return TurnServers(
                [],
                None,
                f"{names[0 if not first else 1]} is missing in the secrets: {service} needs both "
                f"{' and '.join(names)}.",
            )
        try:
            return TurnServers([dict(server) for server in ask(first, second)], service)
        except (ValueError, OSError, KeyError):
            return TurnServers(
                [],
                None,
                f"{service} returned no TURN servers: check {' and '.join(names)} in the secrets, and the "
                "connection to it.",
            )
    return TurnServers([])


@st.cache_data(ttl=3600, show_spinner=False)
def twilio_servers(account: str, token: str) -> list[dict[str, Any]]:
    """Request servers with credentials for two hours from Twilio's Network Traversal Service.

    Raises:
        OSError, ValueError, KeyError: The answer is not as expected.
    """
    request = urllib.request.Request(
        f"https://api.twilio.com/2010-04-01/Accounts/{account}/Tokens.json", data=b"Ttl=7200", method="POST"
    )
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode())
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        servers = json.load(answer)["ice_servers"]
    return [
        {name: server[name] for name in ("urls", "username", "credential") if name in server}
        for server in servers
    ]


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = {
        name: os.environ[name] for name in (*_CLOUDFLARE, *_TWILIO) if name in os.environ
    }
    if st.secrets.load_if_toml_exists():
        settings |= {
            name: st.secrets[name] for name in ("iceServers", *_CLOUDFLARE, *_TWILIO) if name in st.secrets
        }
    return settings
