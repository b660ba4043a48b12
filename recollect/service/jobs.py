"""Consolidations as jobs of processes of their own: who may begin one, how far it is, who waits.

`<data>/consolidation/<uid>.json` tells how far a space's job is; every worker reads it. Locks
beside it, which the kernel drops when a process dies, say whether the job still lives:

    <uid>.lock     one job per space; taken by whoever begins it, handed on to the job
    place-<n>.lock MOST_WAITING jobs at once, the running one included; handed on likewise
    turn.lock      one job computes at a time; the others wait for it
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import orjson

from recollect.errors import StorageFull, Unavailable
from recollect.model import Consolidation, ConsolidationStatus
from recollect.settings import Settings, for_children

MOST_WAITING = 4
GLANCES_S = (0.0005, 0.002)  # who only looks whether a lock is held has it for an instant himself


class Jobs:
    """The consolidation jobs of one data folder, as one process sees and begins them."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "consolidation"
        self._children: list[subprocess.Popen[bytes]] = []

    def read(self, uid: int) -> Consolidation | None:
        """How far the space's job is, None when there is no trace of one. A job that died has failed."""
        found = self._parse(uid)
        if found is None or found.is_over or self._is_held(f"{uid}.lock"):
            return found
        found = self._parse(uid)  # it may have ended between the two looks
        if found is None or found.is_over:
            return found
        return replace(
            found,
            status=ConsolidationStatus.FAILED,
            code="CONSOLIDATION_INTERRUPTED",
            detail="The consolidation was interrupted before its end. Begin it anew with POST /api/v1/consolidate.",
        )

    def write(self, uid: int, state: Consolidation) -> None:
        """Tell how far the job is; readers see the old state or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(uid)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(orjson.dumps(asdict(state)))
        draft.replace(path)

    def forget(self, uid: int) -> None:
        """Remove what tells of a space that is gone."""
        self._path(uid).unlink(missing_ok=True)
        (self._folder / f"{uid}.lock").unlink(missing_ok=True)

    def is_busy(self) -> bool:
        """Whether a job computes on this machine."""
        return self._is_held("turn.lock")

    def begin(self, settings: Settings, space_id: str, uid: int, state: Consolidation) -> bool:
        """Start the job in a process of its own; False when the space has one already.

        Raises Unavailable when as many jobs wait as may.
        """
        with _telling_room(), contextlib.ExitStack() as locks:
            own = self._take(f"{uid}.lock")
            if own is None:
                return False
            locks.callback(os.close, own)  # the job has them too by then
            place = next((fd for n in range(MOST_WAITING) if (fd := self._take(f"place-{n}.lock")) is not None), None)
            if place is None:
                raise Unavailable(
                    f"{MOST_WAITING} memory spaces are being consolidated or wait for it; retry in 10 s.",
                    code="CONSOLIDATION_BUSY",
                    context={"limit": MOST_WAITING},
                    headers={"Retry-After": "10"},
                )
            locks.callback(os.close, place)
            self.write(uid, state)
            child = subprocess.Popen(  # noqa: S603 - names of ours: a space's is checked when it is made
                [sys.executable, "-m", "recollect", "learn", space_id, str(uid)],
                env=for_children(settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(own, place),
            )
        self._children.append(child)
        return True

    def reap(self) -> None:
        """Take notice of the jobs that have ended."""
        self._children = [child for child in self._children if child.poll() is None]

    def close(self) -> None:
        """End the jobs that this process has begun; each can be begun anew."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.wait()
        self._children.clear()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other job computes, and keep the others waiting."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = self._open("turn.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _parse(self, uid: int) -> Consolidation | None:
        try:
            found = orjson.loads(self._path(uid).read_bytes())
            return Consolidation(**{**found, "status": ConsolidationStatus(found["status"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None  # never begun, or told by another release

    def _path(self, uid: int) -> Path:
        return self._folder / f"{uid}.json"

    def _open(self, name: str) -> int:
        return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _take(self, name: str) -> int | None:
        """The descriptor that holds the lock, None when somebody else does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = self._open(name)
        for pause_s in (*GLANCES_S, None):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if pause_s is not None:
                    time.sleep(pause_s)
            else:
                return descriptor
        os.close(descriptor)
        return None

    def _is_held(self, name: str) -> bool:
        if not (self._folder / name).exists():
            return False
        descriptor = self._open(name)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


@contextlib.contextmanager
def _telling_room() -> Iterator[None]:
    """A full disk as the refusal that it is; raises StorageFull."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StorageFull("The disk is full: the consolidation was not begun.") from fault
