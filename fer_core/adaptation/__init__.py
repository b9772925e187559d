"""Adapt a model to other faces: to one person from a handful, or to the photos of a labelled folder."""
