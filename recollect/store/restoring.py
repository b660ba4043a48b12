"""A backup brought in: verified as a copy first, then put in the store's place under a new incarnation."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw

from recollect.errors import Damaged
from recollect.store import schema
from recollect.store.damage import Sign, find_faults, find_page_faults
from recollect.store.turn import Turn

_COMPANIONS = ("-wal", "-shm")


def restore(backup: Path, store: Path) -> Path | None:
    """Put a verified copy of `backup` in the place of `store`, which nobody may serve meanwhile.

    Where the store before it went, None where there was none. Raises Unavailable for a backup that is damaged,
    foreign or newer; then nothing has changed. What is cut off in between starts fenced, and is begun anew.
    """
    schema.require_store(backup)
    store.parent.mkdir(parents=True, exist_ok=True)
    draft = store.with_name(store.name + "-restoring")
    try:
        copy(backup, draft)
        return _put_in_place(draft, store)
    finally:
        for suffix in ("", *_COMPANIONS):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def copy(backup: Path, draft: Path) -> None:
    """A flushed copy, brought to the present format, found sound, of a new incarnation, without a WAL."""
    draft.unlink(missing_ok=True)
    # What has no WAL is only read: a backup may lie on a medium that takes no writes.
    wal = backup.with_name(backup.name + "-wal")
    uri = f"file:{quote(str(backup.absolute()))}" + ("" if wal.exists() else "?immutable=1")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with (
        closing(apsw.Connection(uri, flags=flags)) as source,
        closing(apsw.Connection(str(draft))) as target,
        target.backup("main", source, "main") as copying,
    ):
        while not copying.done:
            copying.step(1000)
    schema.prepare(draft, None)
    with closing(apsw.Connection(str(draft))) as copy:
        for fault in (*find_page_faults(copy), *find_faults(copy)):
            raise Damaged(f"The backup is damaged ({fault.table}: {fault.row}); nothing was changed.")
        copy.execute("PRAGMA synchronous=FULL; UPDATE store SET incarnation = randomblob(16)")
        copy.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _put_in_place(draft: Path, store: Path) -> Path | None:
    turn, damage = Turn(store), Sign(store)
    before = store.with_name(store.name + "-before-restore")
    is_there = store.exists()
    try:
        with turn:
            damage.put_up("a restore under way")
            for suffix in ("", *_COMPANIONS):
                old, kept = store.with_name(store.name + suffix), before.with_name(before.name + suffix)
                kept.unlink(missing_ok=True)
                if old.exists():
                    old.replace(kept)
            draft.replace(store)
            schema.flush_folder(store.parent)
            damage.take_down()
    finally:
        turn.close()
    return before if is_there else None
