"""Data sets: `open_dataset(source)` reads any form that people hold FER data in."""

from .dataset import SPLITS, UNLABELLED, Dataset
from .opening import open_dataset

__all__ = ["SPLITS", "UNLABELLED", "Dataset", "open_dataset"]
