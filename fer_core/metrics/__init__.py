"""Figures of predictions, from arrays alone: accuracy, F1, intervals, calibration, curves."""
