"""The views of the Diagnostics page."""
