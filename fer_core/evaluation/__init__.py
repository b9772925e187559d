"""Figures of a classifier from its probabilities."""
