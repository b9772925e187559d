"""Trained models on disk: bundle, card, inference file, export and ensembles."""
