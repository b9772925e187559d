"""The views of the Start page."""
