"""Evaluation of a classifier from its probabilities."""
