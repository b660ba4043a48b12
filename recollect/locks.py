"""Locks between processes, by files: the kernel drops them when their last holder ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVING = "serving.lock"  # in a data folder: held by the server on it, or by whoever replaces what is in it


def take(path: Path) -> int | None:
    """The lock's descriptor, to be kept open by whoever holds it, his forks included; None where another has it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether the lock is ours for the block."""
    descriptor = take(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def sign(descriptor: int) -> None:
    """Leave this process's number in the lock's file, for people; on a full disk it is left out."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def open_lock(path: Path) -> int:
    """The lock's file, made where there is none."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
