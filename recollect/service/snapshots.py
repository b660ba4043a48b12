"""When a space's snapshot is written, and by whom: a process of its own, one of each space at a time.

A snapshot is due when the space has changed by LEAST_CHANGED entries since the last one, at most for a tenth of a
core: REST times as long as it took must have gone by. What was erased is in the file until the next one, so
after MOST_AGE_S any change will do, and the file of a space that is gone goes with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

from recollect import telemetry
from recollect.errors import RecollectError, SpaceNotFound
from recollect.memory import Memories
from recollect.memory.snapshot import Mark, Snapshots
from recollect.model import ConsolidationStatus, Job, Space
from recollect.service.runtime import Runtime
from recollect.times import epoch_seconds, rfc3339

LEAST_EPISODES = 10_000  # of which a space has a snapshot; a smaller one is read in less than a second
LEAST_CHANGED = 5_000
REST, MOST_AGE_S, REST_AFTER_FAILURE_S = 10.0, 3600.0, 600.0
AT_ONCE = 1000


async def snapshot_if_due(runtime: Runtime) -> bool:
    """Begin to write one snapshot if one is due; whether one was begun."""
    space = await asyncio.to_thread(_due, runtime)
    if space is None:
        return False
    queued = Job(ConsolidationStatus.QUEUED, started_at=rfc3339(time.time()), space_revision=space.revision)
    return runtime.snapshots.begin(runtime.settings, space.space_id, space.uid, queued)


def _due(runtime: Runtime) -> Space | None:
    """A space whose snapshot is due; files of spaces that are gone or small now are removed."""
    snapshots = _snapshots(runtime.memories)
    kept = set(snapshots.uids())
    known = {memory.space.uid for memory in runtime.memories.loaded() if memory.traces.size >= LEAST_EPISODES} | kept
    spaces = {space.uid: space for space in _spaces(runtime)} if known else {}
    for uid in sorted(known):
        space = spaces.get(uid)
        if space is None or runtime.store.count_episodes(uid) < LEAST_EPISODES:
            snapshots.forget(uid)
            runtime.snapshots.forget(uid)
        elif is_due(space, snapshots.mark(space), time.time()) and not _rests(runtime.snapshots.read(uid)):
            return space
    return None


def _spaces(runtime: Runtime) -> Iterator[Space]:
    after: str | None = None
    while page := runtime.store.list_spaces(after, AT_ONCE):
        yield from page
        after = page[-1].space_id


def _rests(job: Job | None) -> bool:
    """Whether one is being written, or it failed so lately that it would only fail again."""
    if job is None or job.status is ConsolidationStatus.SUCCEEDED:
        return False
    ended_at = job.finished_at or job.started_at
    return not job.is_over or ended_at is None or time.time() - epoch_seconds(ended_at) < REST_AFTER_FAILURE_S


def is_due(space: Space, mark: Mark | None, now_s: float) -> bool:
    """Whether the space has changed enough since its snapshot, or has none."""
    if mark is None:
        return True
    changed, age_s = space.revision - mark.revision, now_s - mark.written_at
    return changed > 0 and (age_s >= MOST_AGE_S or (changed >= LEAST_CHANGED and age_s >= REST * mark.took_s))


def write_snapshot(runtime: Runtime, space_id: str, uid: int) -> None:
    """Write the space's snapshot here and now."""
    begun_at, memories = time.time(), runtime.memories
    space = runtime.store.get_space(space_id)
    if space is None or space.uid != uid:
        raise SpaceNotFound("The memory space does not exist any more.")
    _snapshots(memories).write(memories.current(space), begun_at)


def run(runtime: Runtime, space_id: str, uid: int) -> ConsolidationStatus:
    """Write the snapshot of a space whose lock this process has; how it ended."""
    jobs, job = runtime.snapshots, runtime.snapshots.read(uid) or Job(ConsolidationStatus.QUEUED)
    status = ConsolidationStatus.SUCCEEDED
    try:
        write_snapshot(runtime, space_id, uid)
    except (RecollectError, OSError) as fault:
        telemetry.log("snapshot_failed", level=logging.WARNING, fault=fault)
        status = ConsolidationStatus.FAILED
    now = rfc3339(time.time())
    jobs.write(uid, Job(status, 1.0, job.started_at, now, job.space_revision))
    return status


def _snapshots(memories: Memories) -> Snapshots:
    assert memories.snapshots is not None, "a runtime's memories have a folder"
    return memories.snapshots
