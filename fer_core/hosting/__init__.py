"""Hosting for strangers: settings, a folder per visitor, quotas, readable sources and cleanup.

None of it is used locally.
"""
