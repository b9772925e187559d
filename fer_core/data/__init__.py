"""Data sets for facial expression recognition: `open_dataset(source)` reads them in every supported form."""

from .dataset import SPLITS, UNLABELLED, Dataset
from .opening import open_dataset

__all__ = ["SPLITS", "UNLABELLED", "Dataset", "open_dataset"]
