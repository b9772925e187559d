"""Albums of many photos: from a folder, a zip or a list to one table of faces."""

from .analysis import PictureResult, analyse
from .source import Picture, pictures
from .table import csv_text, rows

__all__ = ["Picture", "PictureResult", "analyse", "csv_text", "pictures", "rows"]
