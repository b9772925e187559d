"""Albums of many photos and videos: from a folder, a zip or a list to one table of faces."""

from .analysis import PictureResult, analyse, analyse_videos
from .source import Picture, Video, pictures, videos
from .table import csv_text, mixed_csv_text, rows, video_rows

__all__ = [
    "Picture",
    "PictureResult",
    "Video",
    "analyse",
    "analyse_videos",
    "csv_text",
    "mixed_csv_text",
    "pictures",
    "rows",
    "video_rows",
    "videos",
]
