"""HTTP API: faces and expressions of an uploaded picture. Nothing is written to disk."""

from .app import create_app
from .limits import Limits

__all__ = ["Limits", "create_app"]
