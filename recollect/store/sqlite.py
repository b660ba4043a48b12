"""The store in one SQLite file: WAL, every commit flushed, one writer thread per worker.

Reads run on a pool of autocommit connections, so that each sees the newest commit and
none holds the WAL back longer than it lasts. `version()` has a connection of its own:
PRAGMA data_version counts only what *other* connections committed, the writer's included.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import apsw

from recollect import locks
from recollect.errors import Conflict, Damaged, RecollectError, StorageFull, Unavailable
from recollect.model import Episode, Key, Space
from recollect.store import (
    Change,
    EpisodePage,
    Idempotency,
    PutFeedback,
    Receipt,
    Room,
    SealedCompletion,
    Selection,
    SpaceDraft,
    SpaceSize,
    ToldJob,
    Write,
    filters,
    loading,
    restoring,
    schema,
    transactions,
)
from recollect.store.aside import Aside
from recollect.store.checksums import COLUMNS, damaged, selected, verify
from recollect.store.copying import Digest, Row, not_empty
from recollect.store.damage import FAULTS_TOLD, Fault, Sign, find_faults, find_page_faults
from recollect.store.plan import LAST_REVISION, key_of, revision_of
from recollect.store.rows import change_from, episode_from, feedback_from, key_from, named, space_of
from recollect.store.turn import Turn
from recollect.store.writer import Writer

CHORE_EVERY_S = 60.0
_CORRUPT = (apsw.CorruptError, apsw.NotADBError)
IDLE_READERS = 8
_EXPIRES_AT = COLUMNS["episode"].index("expires_at_s")
_LIVES = "(expires_at_s IS NULL OR expires_at_s > ?)"
MOST_PAGES_SCRUBBED_BYTES = 1 << 30  # looking through the structure of a file holds its WAL back meanwhile


class SQLiteStore:
    """Keeps the promises of `recollect.store.Store`.

    `vfs` names an apsw VFS to put underneath, `clock` tells epoch seconds: both for tests.
    """

    is_remote = False

    def __init__(self, path: str | Path, *, vfs: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._vfs = vfs
        self._clock = clock
        self._readers: deque[apsw.Connection] = deque()
        self._version_lock = threading.Lock()
        self._next_chore_s = 0.0
        self._damage = Sign(self._path)
        self._aside = Aside(self._path)
        self._incarnation = b""
        self._turn: Turn | None = None
        self._writer: Writer | None = None
        self._watcher: apsw.Connection | None = None

    def open(self) -> None:
        schema.require_sound_sqlite()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._turn = Turn(self._path)
            with self._turn:
                schema.prepare(self._path, self._vfs)
            self._watcher = self._connect()
            self._writer = Writer(self._connect(reads_only=False), self._turn, self._chore, self._damage)
        except (apsw.Error, OSError) as error:
            raise _refusal(error) from error
        self._incarnation = self.incarnation()
        if not self._damage.is_up():
            self._resume_erasures()

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        await asyncio.to_thread(writer.stop)
        writer.connection.close()
        self._aside.close()
        while self._readers:
            self._readers.pop().close()
        with self._version_lock:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
        if self._turn is not None:
            self._turn.close()

    def is_writable(self) -> bool:
        return self._writer is not None and self._writer.refusal() is None

    def require_writable(self) -> None:
        refusal = self._write().refusal()
        if refusal is not None:
            raise refusal

    def version(self) -> int:
        try:
            with self._version_lock:
                if self._watcher is None:
                    raise _closed()
                return int(self._watcher.execute("PRAGMA data_version").get)
        except apsw.Error as error:
            raise _refusal(error) from error

    def incarnation(self) -> bytes:
        return bytes(self._one("SELECT incarnation FROM store", ())[0])

    async def backup(self, path: Path) -> None:
        await asyncio.to_thread(self._back_up, path)

    # spaces

    def get_space(self, space_id: str) -> Space | None:
        row = self._maybe(f"SELECT {selected('space')} FROM space WHERE space_id = ?", (space_id,), "space")
        return self._named(space_of(row)) if row else None

    def count_spaces(self) -> int:
        return int(self._one("SELECT count(*) FROM space", ())[0])

    def list_spaces(self, after: str | None, limit: int) -> list[Space]:
        query = f"SELECT {selected('space')} FROM space WHERE space_id > ? ORDER BY space_id LIMIT ?"
        return [self._named(space_of(row)) for row in self._all(query, (after or "", limit), "space")]

    async def put_space(
        self, space_id: str, draft: SpaceDraft, *, if_revision: int | None = None
    ) -> tuple[Space, bool]:
        space, is_new = await self._write().submit(
            lambda db: transactions.put_space(db, space_id, draft, if_revision, self._clock())
        )
        return self._named(space), is_new

    async def delete_space(self, space_id: str, *, if_revision: int | None = None) -> bool:
        uid = await self._write().submit(lambda db: transactions.delete_space(db, space_id, if_revision))
        if uid is None:
            return False
        with contextlib.suppress(apsw.Error):
            await asyncio.to_thread(self._aside.forget, uid)
        while await self._write().submit(
            lambda db: transactions.erase_chunk(db, uid), weight=transactions.ERASURE_CHUNK
        ):
            pass
        return True

    # episodes

    def get_episode(self, uid: int, episode_id: str) -> Episode | None:
        query = f"SELECT {selected('episode')} FROM episode WHERE uid = ? AND episode_id = ?"
        with self._reader() as db:
            rows = db.execute(query, (uid, episode_id)).fetchall()
            episode = episode_from(rows[0]) if rows else None
        return episode if episode and _lives(rows[0], self._clock()) else None

    def count_episodes(self, uid: int) -> int:
        return self.measure_space(uid).episodes

    def measure_space(self, uid: int) -> SpaceSize:
        row = self._maybe(
            "SELECT s.episodes - count(e.key), s.embeddings - count(e.embedding),"
            " s.size_bytes - coalesce(sum(length(e.document) + coalesce(length(e.embedding), 0)), 0)"
            " FROM space AS s LEFT JOIN episode AS e ON e.uid = s.uid AND e.expires_at_s <= ?"
            " WHERE s.uid = ? GROUP BY s.uid",
            (self._clock(), uid),
        )
        return SpaceSize(*row) if row else SpaceSize(0, 0, 0)

    def page_episodes(self, uid: int, where: Selection, *, after: int, until_revision: int, limit: int) -> EpisodePage:
        clause, bindings = filters.where(where)
        last = min(until_revision, LAST_REVISION)
        scan_end = min(last, after + filters.SCAN_PLACES) if clause else last
        items: list[Episode] = []
        with self._reader() as db:
            rows = db.execute(
                f"SELECT place, {selected('episode')} FROM episode"
                f" WHERE place > ? AND place <= ? AND {_LIVES}{clause} ORDER BY place",
                (key_of(uid, after), key_of(uid, scan_end), self._clock(), *bindings),
            )
            for place, *row in rows:
                episode = episode_from(tuple(row))
                if where.test is not None and not where.test(episode.document):
                    continue
                items.append(episode)
                if len(items) == limit:
                    rows.close()
                    return EpisodePage(tuple(items), revision_of(place))
        return EpisodePage(tuple(items), scan_end if scan_end < last else None)

    def iterate_episodes(self, uid: int) -> Iterator[Episode]:
        with self._reader() as db:
            db.execute("BEGIN")  # the count and the rows as of one moment
            counted = db.execute("SELECT episodes FROM space WHERE uid = ?", (uid,)).fetchone()
            found = 0
            rows = db.execute(
                f"SELECT {selected('episode')} FROM episode WHERE key BETWEEN ? AND ? ORDER BY key",
                (key_of(uid, 0), key_of(uid, LAST_REVISION)),
            )
            now_s = self._clock()
            for row in rows:
                found += 1
                episode = episode_from(row)
                if _lives(row, now_s):
                    yield episode
            db.execute("COMMIT")
            if counted is not None and counted[0] != found:
                raise damaged(f"episode of space {uid}")

    def expired_episodes(self, uid: int, now_s: float, limit: int) -> list[tuple[str, int]]:
        rows = self._all(
            "SELECT episode_id, key FROM episode WHERE uid = ? AND expires_at_s <= ?"
            " ORDER BY expires_at_s, key LIMIT ?",
            (uid, now_s, limit),
        )
        return [(episode_id, revision_of(key)) for episode_id, key in rows]

    async def commit(
        self,
        uid: int,
        writes: Sequence[Write],
        *,
        idempotency: Idempotency | None = None,
        note: bytes = b"",
        room: Room | None = None,
    ) -> Receipt:
        return await self._write().submit(
            lambda db: transactions.commit_writes(db, uid, writes, idempotency, note, self._clock(), room),
            weight=len(writes),
        )

    def find_receipt(self, uid: int, idempotency: Idempotency) -> Receipt | None:
        with self._reader() as db:
            return transactions.find_receipt(db, uid, idempotency, self._clock())

    # journal and learned state

    def read_journal(self, uid: int, after: int, limit: int) -> list[Change]:
        with self._reader() as db:
            rows = db.execute(
                f"SELECT {selected('journal', 'j')}, {selected('episode', 'e')}"
                " FROM journal AS j LEFT JOIN episode AS e ON e.key = j.key"
                " WHERE j.key > ? AND j.key <= ? ORDER BY j.key LIMIT ?",
                (key_of(uid, after), key_of(uid, LAST_REVISION), limit),
            ).fetchall()
            changes = [change_from(row) for row in rows]
            if any(change.sequence != after + n for n, change in enumerate(changes, 1)):
                raise damaged(f"journal of space {uid}")  # a sequence has no gaps
        return changes

    def get_artifact(self, uid: int, name: str) -> bytes | None:
        query = f"SELECT {selected('artifact')} FROM artifact WHERE uid = ? AND name = ?"
        row = self._maybe(query, (uid, name), "artifact")
        return row[2] if row else None

    def list_feedback(self, uid: int, limit: int) -> list[PutFeedback]:
        rows = self._all(
            f"SELECT {selected('feedback')} FROM feedback WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT ?",
            (key_of(uid, 0), key_of(uid, LAST_REVISION), limit),
            "feedback",
        )
        return [feedback_from(row) for row in rows]

    # kept for a while

    def add_completions(self, completions: Sequence[SealedCompletion]) -> None:
        with _refusing():
            self._aside.add_completions(completions)

    def find_completion(self, uid: int, id_hash: int, since_s: float) -> bytes | None:
        try:
            return self._aside.find_completion(uid, id_hash, since_s)
        except apsw.Error:  # the file may be lost at any time
            return None

    def purge_completions(self, until_s: float, most: int) -> None:
        with _refusing():
            self._aside.purge_completions(until_s, most)

    def add_cues(self, amounts: Mapping[int, Sequence[float]]) -> None:
        with _refusing():
            self._aside.add_cues(amounts)

    def take_cues(self, uid: int) -> dict[int, float]:
        with _refusing():
            return self._aside.take_cues(uid)

    # jobs of other machines: there are none

    def claim_job(self, uid: int, kind: str) -> contextlib.AbstractContextManager[bool]:
        return contextlib.nullcontext(True)

    def tell_job(self, uid: int, kind: str, state: bytes, result: bytes | None = None) -> None:
        pass

    def find_job(self, uid: int, kind: str) -> ToldJob | None:
        return None

    def find_job_result(self, uid: int, kind: str) -> bytes | None:
        return None

    def discard_damage(self) -> None:
        self._aside.discard_if_damaged()

    # keys

    def find_key(self, digest: bytes) -> Key | None:
        query = f"SELECT {selected('access_key')} FROM access_key WHERE digest = ?"
        row = self._maybe(query, (digest,), "access_key")
        return key_from(row) if row else None

    def list_keys(self) -> list[Key]:
        query = f"SELECT {selected('access_key')} FROM access_key ORDER BY created_at, key_id"
        return [key_from(row) for row in self._all(query, (), "access_key")]

    async def put_key(self, key: Key) -> None:
        await self._write().submit(lambda db: transactions.put_key(db, key))

    def _named(self, space: Space) -> Space:
        return named(space, self._incarnation)

    # connections

    def _connect(self, *, reads_only: bool = True) -> apsw.Connection:
        return schema.connect(self._path, self._vfs, reads_only=reads_only)

    def _write(self) -> Writer:
        if self._writer is None:
            raise _closed()
        return self._writer

    @contextlib.contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        """A connection that nobody else uses meanwhile; storage errors become ours."""
        connection = self._take_reader()
        is_sound = False
        try:
            yield connection
            is_sound = True
        except Damaged as damage:
            self._damage.put_up(damage.where)
            raise
        except UnicodeDecodeError as error:  # SQLite hands over text that is none
            self._damage.put_up("text")
            raise damaged("text") from error
        except apsw.Error as error:
            if isinstance(error, _CORRUPT):
                self._damage.put_up("file")
            raise _refusal(error) from error
        finally:
            if is_sound:
                self._give_back(connection)
            else:
                connection.close(True)

    def _take_reader(self) -> apsw.Connection:
        if self._writer is None:
            raise _closed()
        try:
            return self._readers.pop()
        except IndexError:
            pass
        try:
            return self._connect()
        except apsw.Error as error:
            raise _refusal(error) from error

    def _give_back(self, connection: apsw.Connection) -> None:
        if self._writer is None or len(self._readers) >= IDLE_READERS:
            connection.close()
        else:
            self._readers.append(connection)

    def _maybe(self, sql: str, bindings: tuple[Any, ...], table: str = "") -> tuple[Any, ...] | None:
        rows = self._all(sql, bindings, table)
        return rows[0] if rows else None

    def _one(self, sql: str, bindings: tuple[Any, ...]) -> tuple[Any, ...]:
        row = self._maybe(sql, bindings)
        assert row is not None
        return row

    def _all(self, sql: str, bindings: tuple[Any, ...] = (), table: str = "") -> list[tuple[Any, ...]]:
        """The rows, read to the end so that no read transaction stays open; those of a table as verified."""
        with self._reader() as db:
            rows = db.execute(sql, bindings).fetchall()
            return [verify(table, row) for row in rows] if table else rows

    # housekeeping

    def _chore(self, db: apsw.Connection) -> None:
        """Rides along with a group now and then."""
        now_s = self._clock()
        if now_s >= self._next_chore_s:
            self._next_chore_s = now_s + CHORE_EVERY_S
            transactions.purge_receipts(db, now_s)

    def _resume_erasures(self) -> None:
        for (uid,) in self._all("SELECT uid FROM erasure"):
            self._erase_later(uid)

    def _erase_later(self, uid: int) -> None:
        def step(db: apsw.Connection) -> None:
            if transactions.erase_chunk(db, uid):
                with contextlib.suppress(Unavailable):  # closing: the next open() goes on
                    self._erase_later(uid)

        self._write().post(step, weight=transactions.ERASURE_CHUNK)

    def check(self) -> list[Fault]:
        with self._reader() as db:
            faults = list(islice(chain(find_page_faults(db), find_faults(db)), FAULTS_TOLD))
        if faults:
            self._damage.put_up(f"{faults[0].table} {faults[0].row}")
        elif self._damage.is_up():
            self._damage.take_down()
        return faults

    def exists(self) -> bool:
        return self._path.exists()

    def restore(self, backup: Path) -> Path | None:
        try:
            before = restoring.restore(backup, self._path)
            self._aside.discard()  # it speaks of the store that was there
            return before
        except (apsw.Error, OSError) as error:
            raise _refusal(error) from error

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(self._path.parent / locks.SERVING) as is_ours:
            if not is_ours:
                raise Conflict("A server works on this store: end it first.", code="DATA_FOLDER_IN_USE")
            yield

    def dump(self) -> Iterator[Row]:
        with _refusing():
            if self._writer is None:
                turn = Turn(self._path)
                with contextlib.closing(turn), turn:
                    schema.prepare(self._path, self._vfs)
            with contextlib.closing(self._connect()) as db:
                yield from loading.dump(db)

    def fill(self, rows: Iterable[Row]) -> Digest:
        with _refusing():
            if self.exists():
                with contextlib.closing(self._connect()) as db:
                    held = db.execute("SELECT 1 FROM space UNION ALL SELECT 1 FROM access_key LIMIT 1").fetchall()
                if held:
                    raise not_empty()
                for suffix in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._aside.discard()
            return loading.load(rows, self._path, renews=False)

    def scrub(self, rest: Callable[[], None]) -> int:
        with locks.held(self._path.with_name(self._path.name + "-scrub")) as is_ours, self._reader() as db:
            if not is_ours:
                return 0
            faults = list(islice(find_faults(db, rest), FAULTS_TOLD))
            if not faults and self._path.stat().st_size <= MOST_PAGES_SCRUBBED_BYTES:
                faults = list(find_page_faults(db))
        for fault in faults:
            self._damage.put_up(f"{fault.table} of space {fault.uid}")
        return len(faults)

    def _back_up(self, path: Path) -> None:
        draft = path.with_name(path.name + ".part")  # a backup that was cut off must not look like one
        companions = [draft.with_name(draft.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
        try:
            for each in companions:
                each.unlink(missing_ok=True)
            with self._reader() as source:
                target = apsw.Connection(str(draft), vfs=self._vfs)
                with contextlib.closing(target), target.backup("main", source, "main") as copy:
                    while not copy.done:
                        copy.step(1000)
            with contextlib.closing(apsw.Connection(str(draft), vfs=self._vfs)) as target:
                target.execute("PRAGMA synchronous=FULL; UPDATE store SET incarnation = randomblob(16)")
            draft.replace(path)
            schema.flush_folder(path.parent)
        except (apsw.Error, OSError) as error:
            raise _refusal(error) from error
        finally:
            for each in companions:
                each.unlink(missing_ok=True)


def _closed() -> Unavailable:
    return Unavailable("The store is not open.", code="STORE_CLOSED")


def _lives(row: tuple[Any, ...], now_s: float) -> bool:
    """Whether an episode's row is not of an expired one."""
    return row[_EXPIRES_AT] is None or row[_EXPIRES_AT] > now_s


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Errors of the file beside the store as ours; they say nothing of the store itself."""
    try:
        yield
    except apsw.Error as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> RecollectError:
    """What a caller hears when a read or an opening fails."""
    if isinstance(error, apsw.FullError):
        return StorageFull("The disk is full.")
    if isinstance(error, _CORRUPT):
        return damaged("file")
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return Unavailable("Another program holds the store's lock.", code="STORE_BUSY")
    return Unavailable("The store cannot be read.", code="STORE_UNREADABLE")
