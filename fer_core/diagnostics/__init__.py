"""Diagnostics of a running FER Explorer: log lines and a report without names of people or files."""
