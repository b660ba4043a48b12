"""Conditions on a stored revision, which counts within one life of its space only."""

from __future__ import annotations

from recollect.model import Space

NO_REVISION = 2**62  # what nothing can be at, so that the store refuses with what it found


def required_revision(space: Space | None, if_revision: int | None, in_incarnation: str | None) -> int | None:
    """The revision that the store has to find; none can be, where the condition speaks of another life of the space."""
    if in_incarnation is None or (space is not None and space.incarnation == in_incarnation):
        return if_revision
    return NO_REVISION
