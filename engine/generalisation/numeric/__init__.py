"""A learned kernel regression, for numbers."""
