"""Numbered plain SQL, applied in order, forward only; the highest number is the format's version."""
