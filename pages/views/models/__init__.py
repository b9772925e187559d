"""The views of the Models page."""
