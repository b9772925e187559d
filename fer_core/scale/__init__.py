"""Classify millions of faces or photos to parquet, in parts that any worker may do, on one machine or through Ray."""

from .scoring import ScoreSummary, score

__all__ = ["ScoreSummary", "score"]
