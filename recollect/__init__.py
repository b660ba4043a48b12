"""Recollect, the pattern completion API."""

__version__ = "0.1.0"
