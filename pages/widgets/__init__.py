"""Figures and clickable components that several pages use."""
