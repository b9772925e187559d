"""Robustness of a model: corruptions in five levels, and what-if changes of one face."""
