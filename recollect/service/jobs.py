"""Consolidations, evaluations and audits as jobs of processes of their own: who may begin one, how far it is.

`<data>/<kind>/<uid>.json` tells how far a space's job is, `<uid>.result` what came of it; every worker reads
them. Locks, which the kernel drops when a process dies, say whether the job still lives:

    <uid>.lock     one job of a kind per space; taken by whoever begins it, handed on to the job
    place-<n>.lock MOST_WAITING jobs of a kind at once, the running one included; handed on likewise
    turn.lock      one job of any kind computes at a time; the others wait for it (in <data>/consolidation)

Where several machines share the store, it knows the jobs of all of them: who runs one has it claimed there, so that
a space has one job of a kind wherever it was begun, and every machine tells how far it is.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson

from recollect import telemetry
from recollect.errors import RecollectError, StorageFull, Unavailable
from recollect.model import Consolidation, ConsolidationStatus, Job
from recollect.settings import Settings, for_children
from recollect.store import Store

MOST_WAITING = 4
GLANCES_S = (0.0005, 0.002)  # who only looks whether a lock is held has it for an instant himself


State = TypeVar("State", Consolidation, Job)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a job does: its name, the hidden command that runs it, the call that begins it, what tells its state."""

    name: str
    command: tuple[str, ...]
    begun_by: str
    state: type[Any]
    busy: str = "CONSOLIDATION_BUSY"
    interrupted: str = "CONSOLIDATION_INTERRUPTED"


CONSOLIDATION = Kind("consolidation", ("learn",), "POST /api/v1/consolidate", Consolidation)
EVALUATION = Kind(
    "evaluation",
    ("examine", "evaluation"),
    "POST /api/v1/evaluation",
    Job,
    "EXAMINATION_BUSY",
    "EXAMINATION_INTERRUPTED",
)
AUDIT = Kind("audit", ("examine", "audit"), "POST /api/v1/audit", Job, "EXAMINATION_BUSY", "EXAMINATION_INTERRUPTED")

SNAPSHOT = Kind(
    "snapshot", ("snapshot",), "nothing: it is begun when one is due", Job, "SNAPSHOT_BUSY", "SNAPSHOT_INTERRUPTED"
)


class Jobs(Generic[State]):
    """The jobs of one kind in one data folder, as one process sees and begins them.

    `shared` is the store that knows those of other machines, too; None where there are none.
    """

    def __init__(self, data: Path, kind: Kind, shared: Store | None = None) -> None:
        self.kind = kind
        self._shared = shared
        self._folder, self._turns = data / kind.name, data / CONSOLIDATION.name
        self._children: list[subprocess.Popen[bytes]] = []
        self._begun: dict[int, tuple[int, float]] = {}  # by process: its space, and when

    def read(self, uid: int) -> State | None:
        """How far the space's job is, None when there is no trace of one. A job that died has failed."""
        own = self.read_own(uid)
        if self._shared is None or (own is not None and not own.is_over):
            return own
        told = self._shared.find_job(uid, self.kind.name)
        found = None if told is None else self._parse(orjson.loads(told.state))
        if told is None or found is None:
            return own
        return found if found.is_over or told.is_claimed else self._interrupted(found)

    def read_own(self, uid: int) -> State | None:
        """The same of what this machine runs, or ran last."""
        found = self._parse(self._load(self._path(uid)))
        if found is None or found.is_over or self._is_held(f"{uid}.lock"):
            return found
        found = self._parse(self._load(self._path(uid)))  # it may have ended between the two looks
        return found if found is None or found.is_over else self._interrupted(found)

    def is_elsewhere(self, uid: int) -> bool:
        """Whether some machine runs the space's job now, where the store is shared."""
        told = None if self._shared is None else self._shared.find_job(uid, self.kind.name)
        return told is not None and told.is_claimed

    @contextlib.contextmanager
    def claimed(self, uid: int, state: State) -> Iterator[bool]:
        """Whether no other machine runs the space's job, nor will while the block lasts; the others hear of it."""
        if self._shared is None:
            yield True
            return
        with self._shared.claim_job(uid, self.kind.name) as is_ours:
            if is_ours:
                self.write(uid, state)
            else:
                self.forget(uid)
            yield is_ours

    def _interrupted(self, found: State) -> State:
        return replace(
            found,
            status=ConsolidationStatus.FAILED,
            code=self.kind.interrupted,
            detail=f"The {self.kind.name} was interrupted before its end. Begin it anew with {self.kind.begun_by}.",
        )

    def write(self, uid: int, state: State) -> None:
        """Tell how far the job is; readers see the old state or the new one."""
        self._replace(self._path(uid), asdict(state))
        self._share(uid)

    def write_result(self, uid: int, result: Any) -> None:
        """Keep what came of a job."""
        self._replace(self._folder / f"{uid}.result", result)
        self._share(uid, orjson.dumps(result))

    def read_result(self, uid: int) -> Any:
        """What came of the space's last job that ended well, None when there is nothing."""
        told = None if self._shared is None else self._shared.find_job_result(uid, self.kind.name)
        return self._load(self._folder / f"{uid}.result") if told is None else orjson.loads(told)

    def _share(self, uid: int, result: bytes | None = None) -> None:
        """Tell the other machines; a job goes on where they cannot hear of it now."""
        if self._shared is not None:
            with contextlib.suppress(RecollectError):
                self._shared.tell_job(uid, self.kind.name, self._path(uid).read_bytes(), result)

    def read_request(self, uid: int) -> Any:
        """What the space's last job was asked for."""
        return self._load(self._folder / f"{uid}.request")

    def forget(self, uid: int) -> None:
        """Remove what tells of a space that is gone."""
        for suffix in ("json", "request", "result", "lock"):
            (self._folder / f"{uid}.{suffix}").unlink(missing_ok=True)

    def is_busy(self) -> bool:
        """Whether a job of any kind computes on this machine."""
        return self._is_held("turn.lock", self._turns)

    def begin(self, settings: Settings, space_id: str, uid: int, state: State, request: Any = None) -> bool:
        """Start the job in a process of its own; False when the space has one already.

        Raises Unavailable when as many jobs wait as may.
        """
        with _telling_room(self.kind.name), contextlib.ExitStack() as locks:
            own = self._take(f"{uid}.lock")
            if own is None:
                return False
            locks.callback(os.close, own)  # the job has them too by then
            place = next((fd for n in range(MOST_WAITING) if (fd := self._take(f"place-{n}.lock")) is not None), None)
            if place is None:
                raise Unavailable(
                    f"{MOST_WAITING} memory spaces are under {self.kind.name} or wait for it; retry in 10 s.",
                    code=self.kind.busy,
                    context={"limit": MOST_WAITING},
                    headers={"Retry-After": "10"},
                )
            locks.callback(os.close, place)
            if request is not None:
                self._replace(self._folder / f"{uid}.request", request)
            self._replace(self._path(uid), asdict(state))  # the others hear of it once it is claimed
            child = subprocess.Popen(  # noqa: S603 - names of ours: a space's is checked when it is made
                [sys.executable, "-m", "recollect", *self.kind.command, space_id, str(uid)],
                env=for_children(settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(own, place),
            )
        self._children.append(child)
        self._begun[child.pid] = uid, time.monotonic()
        telemetry.metrics().set("jobs_running", len(self._children), self.kind.name)
        return True

    def reap(self) -> None:
        """Take notice of the jobs that have ended."""
        ended = [child for child in self._children if child.poll() is not None]
        self._children = [child for child in self._children if child not in ended]
        told = telemetry.metrics()
        told.set("jobs_running", len(self._children), self.kind.name)
        for child in ended:
            uid, begun_s = self._begun.pop(child.pid)
            state = self.read_own(uid)
            told.count("jobs", self.kind.name, "forgotten" if state is None else state.status.value)
            told.observe("job_seconds", time.monotonic() - begun_s, self.kind.name)

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
        self._turns.mkdir(parents=True, exist_ok=True)
        descriptor = self._open("turn.lock", self._turns)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _parse(self, found: Any) -> State | None:
        try:
            state: State = self.kind.state(**{**found, "status": ConsolidationStatus(found["status"])})
        except (ValueError, TypeError, KeyError):
            return None  # never begun, or told by another release
        return state

    def _load(self, path: Path) -> Any:
        try:
            return orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            return None

    def _replace(self, path: Path, document: Any) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(orjson.dumps(document))
        draft.replace(path)

    def _path(self, uid: int) -> Path:
        return self._folder / f"{uid}.json"

    def _open(self, name: str, folder: Path | None = None) -> int:
        return os.open((folder or self._folder) / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

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

    def _is_held(self, name: str, folder: Path | None = None) -> bool:
        if not ((folder or self._folder) / name).exists():
            return False
        descriptor = self._open(name, folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


@contextlib.contextmanager
def _telling_room(kind: str) -> Iterator[None]:
    """A full disk as the refusal that it is; raises StorageFull."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StorageFull(f"The disk is full: the {kind} was not begun.") from fault
