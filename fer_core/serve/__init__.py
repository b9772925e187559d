"""A small HTTP API: faces and expressions of a picture that is sent to it. Nothing is written to disk."""

from .app import create_app
from .limits import Limits

__all__ = ["Limits", "create_app"]
