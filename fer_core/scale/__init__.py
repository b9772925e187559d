"""Scoring of millions of faces or photos to Parquet, in parts, on one machine or through Ray."""

from .scoring import ScoreSummary, score

__all__ = ["ScoreSummary", "score"]
