"""The views of the Predict page."""
