"""Learned evidence between entities, for tables of who did what to whom."""
