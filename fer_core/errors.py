"""Errors that a user can act on. Every message is one sentence: what was expected, what came, what to do."""

from __future__ import annotations


class FerError(Exception):
    """Base of all errors that pages and the shell show as one sentence instead of a traceback."""

    def __init__(self, sentence: str = "", *more: object) -> None:
        """Create the error; line breaks, which a name in the sentence may hold, become blanks."""
        super().__init__(" ".join(str(sentence).splitlines()), *more)


def reason(error: Exception) -> str:
    """Return why a library failed, as a part of a sentence: the first line of its message, shortened."""
    lines = str(error).strip().splitlines()
    return (lines[0].rstrip(".:")[:200] if lines else "") or type(error).__name__


class DataError(FerError):
    """A data source cannot be read, or does not contain what was requested."""


class ConfigError(FerError):
    """A setting is unknown or out of its range."""


class ModelError(FerError):
    """A model bundle, run folder or export cannot be found, read or written."""


class TrainingError(FerError):
    """A training run cannot start, resume or continue."""


class ImageError(FerError):
    """A photo cannot be read."""


class VideoError(FerError):
    """A video or camera cannot be read, or is longer or larger than the limits."""
