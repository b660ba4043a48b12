"""Recollect, the pattern completion API."""

__version__ = "1.0.0"
