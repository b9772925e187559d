"""A picture of a data set, read to the 48x48 grey input of the networks."""

from __future__ import annotations

import numpy as np

from ... import imaging, picture_limits
from ...errors import DataError, FerError
from ..budget import Budget, TooLargeError


def read_face(content: bytes | None, name: str, budget: Budget) -> np.ndarray | FerError:
    """Return (48, 48) uint8, or the reason why this picture cannot be read.

    Raises:
        TooLargeError: The pictures of the source are too large together.
    """
    try:
        if not content:
            raise DataError(f"{name} is empty.")
        width, height = imaging.size_of(content, name)
        # a progressive JPEG of some ten scans costs about twice as much as another one
        budget.take_pixels(name, width, height, max(1, picture_limits.scan_count(content) // 10))
        return imaging.to_grey_48(imaging.open_image(content, name))
    except TooLargeError:
        raise
    except FerError as error:
        return error
