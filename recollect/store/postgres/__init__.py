"""The store in a PostgreSQL database that many nodes share: nothing of it lies on the nodes.

Every request reads the row of its space by key, so what is acknowledged anywhere is seen everywhere by the next read.
No cache depends on a notification, and `version()` never rests.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from recollect.errors import Damaged, NotFound, RecollectError, Unavailable
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
    restoring,
)
from recollect.store import filters as common
from recollect.store.checksums import COLUMNS, damaged, selected, verify
from recollect.store.copying import Digest, Row
from recollect.store.damage import FAULTS_TOLD, Fault
from recollect.store.loading import dump as dump_file
from recollect.store.loading import load as load_file
from recollect.store.plan import LAST_REVISION, key_of, revision_of
from recollect.store.postgres import filters, loading, schema, transactions
from recollect.store.postgres.connections import READ_WITHIN_S, Connections, Db, alone, fetch, literal
from recollect.store.postgres.damage import find_faults
from recollect.store.postgres.writer import Writer
from recollect.store.rows import change_from, episode_from, feedback_from, key_from, named, space_of

T = TypeVar("T")

ROWS_AT_ONCE = 1000
PURGED_AT_ONCE = 5_000
LONG_READ_S = 30.0
_SCRUB_LOCK = 0x5243_4C56
_EXPIRES_AT = COLUMNS["episode"].index("expires_at_s")
_NAMED_SPACES = "directory AS d JOIN space AS s ON s.uid = d.uid"
_LIVES = "(expires_at_s IS NULL OR expires_at_s > %s)"


def _lock_of(kind: str) -> int:
    """The first of the two numbers that name the advisory lock of a kind of job: 31 bits."""
    return zlib.crc32(kind.encode()) >> 1


class PostgresStore:
    """Keeps the promises of `recollect.store.Store`. `clock` tells epoch seconds, for tests."""

    is_remote = True

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self._clock = clock
        self._connections = Connections(url)
        self._versions = itertools.count(1)
        self._incarnation = b""
        self._is_damaged = False  # what could not be told to the others
        self._writer: Writer | None = None

    def open(self) -> None:
        self._connections = Connections(self._url)
        self._connections.open(schema.prepare)
        self._writer = Writer(self._connections, transactions.purge_receipts, self._clock, self._put_up)
        with contextlib.suppress(RecollectError):  # a server that is not there yet: the next open() goes on
            for (uid,) in self._all("SELECT uid FROM erasure"):
                self._erase_later(uid)

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.stop)
            await asyncio.to_thread(self._connections.close)

    def is_writable(self) -> bool:
        try:
            self.require_writable()
        except RecollectError:
            return False
        return True

    def require_writable(self) -> None:
        self._write()
        if self._is_damaged or self._all("SELECT 1 FROM store WHERE damage IS NOT NULL"):
            raise damaged("")

    def version(self) -> int:
        """Another one at each call: the space's row, read by key, is what tells of a change."""
        return next(self._versions)

    def incarnation(self) -> bytes:
        return bytes(self._all("SELECT incarnation FROM store")[0][0])

    # spaces

    def get_space(self, space_id: str) -> Space | None:
        rows = self._all(
            f"SELECT {selected('space', 's')} FROM {_NAMED_SPACES} WHERE d.space_id = %s",
            (space_id,),
            "space",
        )
        return self._named(space_of(rows[0])) if rows else None

    def count_spaces(self) -> int:
        return int(self._all("SELECT count(*) FROM directory")[0][0])

    def list_spaces(self, after: str | None, limit: int) -> list[Space]:
        query = (
            f"SELECT {selected('space', 's')} FROM {_NAMED_SPACES} WHERE d.space_id > %s ORDER BY d.space_id LIMIT %s"
        )
        return [self._named(space_of(row)) for row in self._all(query, (after or "", limit), "space")]

    async def put_space(
        self, space_id: str, draft: SpaceDraft, *, if_revision: int | None = None
    ) -> tuple[Space, bool]:
        space, is_new = await self._write().submit(
            space_id, lambda db: transactions.put_space(db, space_id, draft, if_revision, self._clock())
        )
        return await asyncio.to_thread(self._named, space), is_new

    async def delete_space(self, space_id: str, *, if_revision: int | None = None) -> bool:
        uid = await self._write().submit(space_id, lambda db: transactions.delete_space(db, space_id, if_revision))
        if uid is None:
            return False
        while await self._write().submit(
            uid, lambda db: transactions.erase_chunk(db, uid), weight=transactions.ERASURE_CHUNK
        ):
            pass
        return True

    # episodes

    def get_episode(self, uid: int, episode_id: str) -> Episode | None:
        query = f"SELECT {selected('episode')} FROM episode WHERE uid = %s AND episode_id = %s"
        rows = self._read(lambda db: fetch(db, query, (uid, episode_id)))
        with self._meeting_damage():
            episode = episode_from(rows[0]) if rows else None
        return episode if episode and self._lives(rows[0]) else None

    def count_episodes(self, uid: int) -> int:
        return self.measure_space(uid).episodes

    def measure_space(self, uid: int) -> SpaceSize:
        rows = self._all(
            "SELECT s.episodes - count(e.key), s.embeddings - count(e.embedding),"
            " s.size_bytes - coalesce(sum(length(e.document) + coalesce(length(e.embedding), 0)), 0)"
            " FROM space AS s LEFT JOIN episode AS e ON e.uid = s.uid AND e.uid = %s AND e.expires_at_s <= %s"
            " WHERE s.uid = %s GROUP BY s.uid",
            (uid, self._clock(), uid),
        )
        return SpaceSize(*map(int, rows[0])) if rows else SpaceSize(0, 0, 0)

    def page_episodes(self, uid: int, where: Selection, *, after: int, until_revision: int, limit: int) -> EpisodePage:
        clause, bindings = filters.where(where)
        last = min(until_revision, LAST_REVISION)
        scan_end = min(last, after + common.SCAN_PLACES) if clause else last
        query = (
            f"SELECT place, {selected('episode')} FROM episode"
            f" WHERE uid = %s AND place > %s AND place <= %s AND {_LIVES}{clause} ORDER BY place LIMIT %s"
        )
        now_s = self._clock()
        items: list[Episode] = []
        while True:
            at_once = limit - len(items) if where.test is None else ROWS_AT_ONCE
            bounds = (uid, key_of(uid, after), key_of(uid, scan_end), now_s, *bindings, at_once)
            rows = self._read(lambda db, bounds=bounds: fetch(db, query, bounds))  # type: ignore[misc]
            for place, *row in rows:
                with self._meeting_damage():
                    episode = episode_from(tuple(row))
                if where.test is not None and not where.test(episode.document):
                    continue
                items.append(episode)
                if len(items) == limit:
                    return EpisodePage(tuple(items), revision_of(place))
            if len(rows) < at_once:
                return EpisodePage(tuple(items), scan_end if scan_end < last else None)
            after = revision_of(rows[-1][0])

    def iterate_episodes(self, uid: int) -> Iterator[Episode]:
        query = (
            f"SELECT {selected('episode')} FROM episode WHERE uid = %s AND key > %s ORDER BY key LIMIT {ROWS_AT_ONCE}"
        )
        now_s, found, after = self._clock(), 0, 0
        with self._meeting_damage(), self._connections.taken(None) as db, loading.snapshot(db):
            counted = fetch(db, "SELECT episodes FROM space WHERE uid = %s", (uid,))
            while True:
                with self._connections.limited(db, LONG_READ_S):
                    rows = fetch(db, query, (uid, after))
                for row in rows:
                    episode = episode_from(row)
                    if self._lives(row, now_s):
                        yield episode
                found += len(rows)
                if len(rows) < ROWS_AT_ONCE:
                    break
                after = rows[-1][0]
            if counted and counted[0][0] != found:
                raise damaged(f"episode of space {uid}")

    def expired_episodes(self, uid: int, now_s: float, limit: int) -> list[tuple[str, int]]:
        rows = self._all(
            "SELECT episode_id, key FROM episode WHERE uid = %s AND expires_at_s <= %s"
            " ORDER BY expires_at_s, key LIMIT %s",
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
            uid,
            lambda db: transactions.commit_writes(db, uid, writes, idempotency, note, self._clock(), room),
            weight=len(writes),
        )

    def find_receipt(self, uid: int, idempotency: Idempotency) -> Receipt | None:
        return self._read(lambda db: transactions.find_receipt(db, uid, idempotency, self._clock()))

    # journal and learned state

    def read_journal(self, uid: int, after: int, limit: int) -> list[Change]:
        rows = self._read(
            lambda db: fetch(
                db,
                f"SELECT {selected('journal', 'j')}, {selected('episode', 'e')}"
                " FROM journal AS j LEFT JOIN episode AS e ON e.uid = j.uid AND e.key = j.key"
                " WHERE j.uid = %s AND j.key > %s ORDER BY j.key LIMIT %s",
                (uid, key_of(uid, after), limit),
            )
        )
        with self._meeting_damage():
            changes = [change_from(row) for row in rows]
            if any(change.sequence != after + n for n, change in enumerate(changes, 1)):
                raise damaged(f"journal of space {uid}")  # a sequence has no gaps
        return changes

    def get_artifact(self, uid: int, name: str) -> bytes | None:
        query = f"SELECT {selected('artifact')} FROM artifact WHERE uid = %s AND name = %s"
        rows = self._all(query, (uid, name), "artifact")
        return bytes(rows[0][2]) if rows else None

    def list_feedback(self, uid: int, limit: int) -> list[PutFeedback]:
        query = f"SELECT {selected('feedback')} FROM feedback WHERE uid = %s ORDER BY key DESC LIMIT %s"
        return [feedback_from(row) for row in self._all(query, (uid, limit), "feedback")]

    # kept for a while

    def add_completions(self, completions: Sequence[SealedCompletion]) -> None:
        rows = [(each.uid, each.id_hash, each.noted_at_s, each.sealed) for each in completions]
        self._put_aside(
            "INSERT INTO completion (uid, id_hash, noted_at_s, sealed) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )

    def find_completion(self, uid: int, id_hash: int, since_s: float) -> bytes | None:
        query = "SELECT sealed FROM completion WHERE uid = %s AND id_hash = %s AND noted_at_s > %s"
        rows = self._all(query, (uid, id_hash, since_s))
        return bytes(rows[0][0]) if rows else None

    def purge_completions(self, until_s: float, most: int) -> None:
        oldest = "SELECT uid, id_hash FROM completion WHERE place <= %s ORDER BY place LIMIT %s"
        query = f"DELETE FROM completion WHERE (uid, id_hash) IN ({oldest}) AND noted_at_s <= %s RETURNING 1"
        ((last,),) = self._all("SELECT coalesce(max(place), 0) FROM completion")
        for until, noted_until_s in ((last, until_s), (last - most, math.inf)):
            while len(self._all(query, (until, PURGED_AT_ONCE, noted_until_s))) == PURGED_AT_ONCE:
                pass

    def add_cues(self, amounts: Mapping[int, Sequence[float]]) -> None:
        # In one order everywhere, so that no two workers wait for each other.
        rows = [(uid, level, amount) for uid in sorted(amounts) for level, amount in enumerate(amounts[uid])]
        self._put_aside(
            "INSERT INTO cue AS c VALUES (%s, %s, %s)"
            " ON CONFLICT (uid, level) DO UPDATE SET amount = c.amount + EXCLUDED.amount",
            rows,
        )

    def take_cues(self, uid: int) -> dict[int, float]:
        return dict(self._all("DELETE FROM cue WHERE uid = %s RETURNING level, amount", (uid,)))

    # jobs of all nodes

    @contextlib.contextmanager
    def claim_job(self, uid: int, kind: str) -> Iterator[bool]:
        with alone(self._url) as db:
            # A node that is gone without a word has its claim for seconds, not for the hours of the system's own.
            db.execute("SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3")
            yield bool(fetch(db, "SELECT pg_try_advisory_lock(%s, %s)", (_lock_of(kind), uid))[0][0])

    def tell_job(self, uid: int, kind: str, state: bytes, result: bytes | None = None) -> None:
        self._put_aside(
            "INSERT INTO job AS j SELECT uid, %s, %s, %s FROM space WHERE uid = %s ON CONFLICT (uid, kind) DO UPDATE"
            " SET state = EXCLUDED.state, result = coalesce(EXCLUDED.result, j.result)",
            [(kind, state, result, uid)],
        )

    def find_job(self, uid: int, kind: str) -> ToldJob | None:
        rows = self._all(
            "SELECT state, EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s"
            " AND objid::bigint = uid AND objsubid = 2 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            " FROM job WHERE uid = %s AND kind = %s",
            (_lock_of(kind), uid, kind),
        )
        return ToldJob(bytes(rows[0][0]), rows[0][1]) if rows else None

    def find_job_result(self, uid: int, kind: str) -> bytes | None:
        rows = self._all("SELECT result FROM job WHERE uid = %s AND kind = %s AND result IS NOT NULL", (uid, kind))
        return bytes(rows[0][0]) if rows else None

    def discard_damage(self) -> None:
        """Nothing: the server keeps all of it alike."""

    # keys

    def find_key(self, digest: bytes) -> Key | None:
        query = f"SELECT {selected('access_key')} FROM access_key WHERE digest = %s"
        rows = self._all(query, (digest,), "access_key")
        return key_from(rows[0]) if rows else None

    def list_keys(self) -> list[Key]:
        query = f"SELECT {selected('access_key')} FROM access_key ORDER BY created_at, key_id"
        return [key_from(row) for row in self._all(query, (), "access_key")]

    async def put_key(self, key: Key) -> None:
        await self._write().submit("", lambda db: transactions.put_key(db, key))

    # the store itself

    def exists(self) -> bool:
        with alone(self._url) as db:
            return schema.exists(db)

    def check(self) -> list[Fault]:
        with self._connections.alone() as db:
            faults = list(itertools.islice(find_faults(db), FAULTS_TOLD))
            if faults:
                self._put_up(f"{faults[0].table} {faults[0].row}")
            else:
                db.execute("UPDATE store SET damage = NULL WHERE damage IS NOT NULL")
                self._is_damaged = False
        return faults

    def scrub(self, rest: Callable[[], None]) -> int:
        with self._connections.alone() as db:
            if not fetch(db, "SELECT pg_try_advisory_lock(%s)", (_SCRUB_LOCK,))[0][0]:
                return 0
            faults = list(itertools.islice(find_faults(db, rest), FAULTS_TOLD))
        for fault in faults:
            self._put_up(f"{fault.table} of space {fault.uid}")
        return len(faults)

    async def backup(self, path: Path) -> None:
        try:
            await asyncio.to_thread(load_file, self.dump(), path, renews=True)
        except (apsw.Error, OSError) as error:
            raise Unavailable(f"The backup could not be written: {error}", code="BACKUP_FAILED") from error

    def restore(self, backup: Path) -> str | None:
        with self.reserved(), tempfile.TemporaryDirectory() as folder, alone(self._url) as db:
            draft = Path(folder) / "restoring.db"
            restoring.copy(backup, draft)  # verified, of a new incarnation
            had_one = schema.exists(db)
            with contextlib.closing(apsw.Connection(str(draft))) as copy:
                loading.load(db, dump_file(copy), renews=False, replaces=True)
        return f"the schema {loading.BEFORE}" if had_one else None

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        with alone(self._url) as db, loading.reserved(db):
            yield

    def dump(self) -> Iterator[Row]:
        with self._meeting_damage(), alone(self._url) as db:
            if not schema.exists(db):
                raise NotFound("There is no store in this database.", code="STORE_NOT_FOUND")
            schema.prepare(db)
            with loading.snapshot(db):
                yield from loading.dump(db)

    def fill(self, rows: Iterable[Row]) -> Digest:
        with alone(self._url) as db:
            return loading.load(db, rows, renews=False, replaces=False)

    def _named(self, space: Space) -> Space:
        self._incarnation = self._incarnation or self.incarnation()
        return named(space, self._incarnation)

    def _lives(self, row: tuple[Any, ...], now_s: float | None = None) -> bool:
        """Whether an episode's row is not of an expired one."""
        return row[_EXPIRES_AT] is None or row[_EXPIRES_AT] > (self._clock() if now_s is None else now_s)

    # connections

    def _write(self) -> Writer:
        if self._writer is None:
            raise Unavailable("The store is not open.", code="STORE_CLOSED")
        return self._writer

    def _read(self, work: Callable[[Db], T]) -> T:
        self._write()
        with self._meeting_damage():
            return self._connections.read(work)

    def _all(self, sql: str, bindings: tuple[Any, ...] = (), table: str = "") -> list[tuple[Any, ...]]:
        """The rows; those of a table as verified."""
        rows = self._read(lambda db: fetch(db, sql, bindings))
        with self._meeting_damage():
            return [verify(table, row) for row in rows] if table else rows

    def _put_aside(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write without waiting for the flush."""
        with self._connections.taken(READ_WITHIN_S) as db, db.transaction(), db.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.executemany(literal(sql), rows)

    @contextlib.contextmanager
    def _meeting_damage(self) -> Iterator[None]:
        """Fence the store where what was read is damaged."""
        try:
            yield
        except Damaged as damage:
            if damage.where:
                self._put_up(damage.where)
            raise
        except UnicodeDecodeError as error:
            self._put_up("text")
            raise damaged("text") from error

    def _put_up(self, where: str) -> None:
        """Fence the store for all nodes; where that cannot be written, for this worker at least."""
        self._is_damaged = True
        with contextlib.suppress(RecollectError), self._connections.taken(READ_WITHIN_S) as db:
            db.execute("UPDATE store SET damage = %s WHERE damage IS NULL", (where,))
            self._is_damaged = False

    def _erase_later(self, uid: int) -> None:
        def step(db: Db) -> None:
            if transactions.erase_chunk(db, uid):
                with contextlib.suppress(Unavailable):  # closing: the next open() goes on
                    self._erase_later(uid)

        self._write().post(uid, step, weight=transactions.ERASURE_CHUNK)
