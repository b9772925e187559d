"""TURN servers, which pass video on where browser and server cannot reach each other: from `st.secrets`, else from the environment."""

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
class Relay:
    """The servers as browsers take them, who gave them, and what is wrong with the settings in one sentence."""

    servers: list[dict[str, Any]]
    source: str | None = None
    problem: str | None = None


def relay() -> Relay:
    """What is set. Without settings nobody outside is asked for anything: then there are no servers."""
    return find(_settings())


def find(settings: dict[str, Any]) -> Relay:
    """The servers that `settings` names: a list `iceServers`, or the keys of Cloudflare or Twilio."""
    if (plain := settings.get("iceServers")) is not None:
        servers = (
            [dict(server) for server in plain if isinstance(server, Mapping)]
            if isinstance(plain, list)
            else []
        )
        if not servers or not all("urls" in server for server in servers):
            return Relay(
                [],
                None,
                "iceServers in the secrets must be a list of tables with urls, and username and credential where needed.",
            )
        return Relay(servers, "iceServers")
    for names, service, ask in (
        (_CLOUDFLARE, "Cloudflare", get_cloudflare_ice_servers),
        (_TWILIO, "Twilio", twilio_servers),
    ):
        first, second = (str(settings.get(name) or "") for name in names)
        if not first and not second:
            continue
        if not first or not second:
            return Relay(
                [],
                None,
                f"{names[0 if not first else 1]} is missing in the secrets: {service} needs both {' and '.join(names)}.",
            )
        try:
            return Relay(list(ask(first, second)), service)
        except (ValueError, OSError, KeyError):
            return Relay(
                [],
                None,
                f"{service} gave no relay servers: check {' and '.join(names)} in the secrets, and whether it can be reached.",
            )
    return Relay([])


@st.cache_data(ttl=3600, show_spinner=False)
def twilio_servers(account: str, token: str) -> list[dict[str, Any]]:
    """Servers with a user name and password for two hours, by Twilio's Network Traversal Service.

    Raises:
        OSError, ValueError, KeyError: it does not answer as it should.
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
    found: dict[str, Any] = {
        name: os.environ[name] for name in (*_CLOUDFLARE, *_TWILIO) if name in os.environ
    }
    if st.secrets.load_if_toml_exists():
        found |= {
            name: st.secrets[name] for name in ("iceServers", *_CLOUDFLARE, *_TWILIO) if name in st.secrets
        }
    return found
