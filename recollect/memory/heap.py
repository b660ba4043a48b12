"""Memory that is free, given back to the system."""

from __future__ import annotations

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; other C libraries give back by themselves


def give_back() -> None:
    """Let the C library return what it keeps of freed memory: after reading a space, more than that takes itself."""
    if _trim is not None:
        _trim(0)
