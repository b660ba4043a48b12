"""The promises of every store; `sqlite.py` and `postgres` keep them.

Durable
    `commit` returns only when its writes are committed and flushed to stable
    storage. Concurrent commits of one worker share a transaction (group commit);
    each is atomic by itself: all of its writes or none.
Ordered
    Each space has its own gapless sequence. Every write takes the next number and
    leaves one journal entry in the same transaction as the data. The same journal
    prefix gives the same state on every worker.
Visible
    After `commit` returns, every `version()` read on any worker differs from before,
    and every read there sees the writes. No notification is needed for that.
Expired
    From its `expires_at_s` on an episode is as if it had never been, for reads, conditions and
    counts alike; it only lies in the file until it is erased. `read_journal` still tells that
    it was written: who keeps episodes in RAM looks at `expires_at` by itself.
Isolated
    No function takes a bare episode id: every one takes the space's internal `uid`,
    which is never reused.
Fenced
    A failed flush closes the store for writes for good (`Unavailable`, code
    STORE_FENCED); reads go on. A full disk refuses (`StorageFull`) and loses nothing.
Sound
    Every row and journal entry carries a checksum, verified by every read. What does not
    hold is refused (`Unavailable`, code STORE_CORRUPT), never answered, and fences the
    store for writes on all workers until a check finds it sound.

Reads are synchronous and may be called from any thread; where a store is not remote, they are cheap. Nothing is opened
before `open()`, so a master process may fork freely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from recollect.model import Episode, EpisodeInput, Key, Space, SpaceDraft

if TYPE_CHECKING:
    from recollect.store.copying import Digest, Row
    from recollect.store.damage import Fault

Operation = Literal["put", "delete", "artifact", "feedback", "space"]


class PutEpisode(NamedTuple):
    """Insert or replace one episode.

    `document` is its public JSON, a closed compact object, without embedding, created_at,
    updated_at and revision; the store adds the last three (`finish_document`), since
    only the transaction knows them.
    `if_revision`: None = no condition; 0 = must not exist; n = must be at revision n;
    -1 = must exist. Unmet conditions raise PreconditionFailed; nothing is written.
    With `skip_equal`, an episode that is stored to the letter is passed over without a
    journal entry (revision 0 in the receipt).
    """

    episode_id: str
    document: bytes
    embedding: bytes | None = None
    occurred_at_s: float | None = None  # epoch seconds, for range filters
    expires_at_s: float | None = None
    origin: str = "observed"
    if_revision: int | None = None
    skip_equal: bool = False


@dataclass(frozen=True, slots=True)
class DeleteEpisode:
    """Erase one episode. `if_revision` as above.

    An unknown id raises EpisodeNotFound. With `skip_unmet`, an episode that is gone or
    does not meet the condition is passed over without a journal entry instead (revision
    0 in the receipt).
    """

    episode_id: str
    if_revision: int | None = None
    skip_unmet: bool = False


@dataclass(frozen=True, slots=True)
class PutArtifact:
    """Store one learned state of the space (weights, calibrators) under `name`."""

    name: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class PutFeedback:
    """Keep whether a completed field was right; replaces what was said before under the same id."""

    feedback_id: str
    field: str
    source: str  # "" where the completion did not tell it
    confidence: float
    is_right: bool
    shares: tuple[float, float, float] | None = None  # as `CompletedField` has them; None: not told


Write = PutEpisode | DeleteEpisode | PutArtifact | PutFeedback


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Replay protection: `scope` = key + space + operation + the caller's key; `digest` of the body.

    The first commit under a scope records `receipt`; the same scope with the same
    digest within 24 h returns that receipt without writing (`replayed`), with
    another digest raises Conflict (code IDEMPOTENCY_KEY_REUSED).
    """

    scope: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did: the revision of each write, in order, and the space's revision after it.

    A receipt never holds content: with the request at hand and the times and revision
    found here, `finish_document` makes the same document again.
    """

    revisions: tuple[int, ...]
    created: tuple[bool, ...]  # per write: True where nothing was replaced
    revision: int
    replayed: bool = False
    note: bytes = b""  # what the caller recorded beside an idempotent commit
    created_at: tuple[str, ...] = ()  # per write: when its episode was first written
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One journal entry. `episode` is the present content for a put that still stands, else None."""

    sequence: int
    operation: Operation
    name: str  # episode or feedback id, artifact name, or ""
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """What every document with a wanted value holds: one of `commonly`, or `uncommonly` where the document has
    texts that could be written in another way (escapes, blanks at an end, characters beyond ASCII)."""

    commonly: tuple[bytes, ...]
    uncommonly: bytes = b""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which episodes a page holds: every given condition must hold.

    `test` decides about a document: which values are the same is not the store's to say. `mentions` only spare
    it most of the work.
    """

    occurred_after_s: float | None = None  # included
    occurred_before_s: float | None = None  # not included
    origin: str | None = None
    mentions: tuple[Mention, ...] = ()
    test: Callable[[bytes], bool] | None = None


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class EpisodePage:
    """Episodes in order of creation; `next_after` continues, None at the end.

    A page of a filtered listing may hold fewer items than asked for, even none, and
    still have a `next_after`: the work of one call is bounded.
    """

    items: tuple[Episode, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class SealedCompletion:
    """What is kept of a completion for feedback: found by the hash of its id, read only with the id itself."""

    uid: int
    id_hash: int
    noted_at_s: float
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SpaceSize:
    """How much a space holds; kept with every commit."""

    episodes: int
    embeddings: int
    size_bytes: int


class Room(NamedTuple):
    """How much a space may hold: episodes, and bytes as `SpaceSize` counts them."""

    episodes: int
    size_bytes: int


class ToldJob(NamedTuple):
    """How far a job is, as whoever runs it told, and whether somebody has it claimed now."""

    state: bytes
    is_claimed: bool


class Store(Protocol):
    """A durable home for spaces, episodes, keys and learned state. See the module's promises."""

    is_remote: bool  # whether a read waits for another process, and so is nothing for an event loop

    def open(self) -> None:
        """Open connections and start the writer; migrate forward; refuse a newer format."""

    async def close(self) -> None:
        """Finish pending commits, then close."""

    def is_writable(self) -> bool:
        """False once fenced, or found damaged."""

    def require_writable(self) -> None:
        """Raise Unavailable with the reason why no writes are taken, where none are."""

    def check(self) -> list[Fault]:
        """Look through everything; each fault by table and row. Finding none lifts the fence of damage."""

    def scrub(self, rest: Callable[[], None]) -> int:
        """The same beside the work, for one worker at a time: how many faults. Fences, never lifts a fence.

        `rest` is called between pieces of work and may raise to end it.
        """

    def version(self) -> int:
        """A token that differs whenever any worker has committed since; a few microseconds.

        Where that cannot be told so cheaply, another token at each call.
        """

    def incarnation(self) -> bytes:
        """16 random bytes that name this life of the store; a restored backup has others."""

    # spaces
    def get_space(self, space_id: str) -> Space | None:
        """The space by its public id, or None; O(1)."""

    def count_spaces(self) -> int:
        """How many spaces there are."""

    def list_spaces(self, after: str | None, limit: int) -> list[Space]:
        """Spaces by id, ascending, after `after`."""

    async def put_space(
        self, space_id: str, draft: SpaceDraft, *, if_revision: int | None = None
    ) -> tuple[Space, bool]:
        """Create (True) or change (False) a space; PreconditionFailed as for episodes.

        Once embeddings are stored their dimension is fixed: another one raises Conflict
        (code EMBEDDING_DIMENSIONS_FIXED), None leaves it as it is.
        """

    async def delete_space(self, space_id: str, *, if_revision: int | None = None) -> bool:
        """Erase a space and everything in it; False when there was none.

        It is unreachable at once and erased when this returns, with what is kept of it for a
        while; an erasure that a crash cut short is taken up again by the next `open()`.
        """

    # episodes
    def get_episode(self, uid: int, episode_id: str) -> Episode | None:
        """One episode, or None."""

    def count_episodes(self, uid: int) -> int:
        """How many episodes the space holds, 0 for an unknown space; one row and those that expired lately."""

    def measure_space(self, uid: int) -> SpaceSize:
        """What the space holds, zeros for an unknown space; cost as above."""

    def page_episodes(self, uid: int, where: Selection, *, after: int, until_revision: int, limit: int) -> EpisodePage:
        """Episodes created after position `after`, none created after `until_revision`."""

    def iterate_episodes(self, uid: int) -> Iterator[Episode]:
        """Every episode in order of revision: what a cold start reads."""

    def expired_episodes(self, uid: int, now_s: float, limit: int) -> list[tuple[str, int]]:
        """Ids and revisions of episodes whose expiry has passed, the longest expired first."""

    async def commit(
        self,
        uid: int,
        writes: Sequence[Write],
        *,
        idempotency: Idempotency | None = None,
        note: bytes = b"",
        room: Room | None = None,
    ) -> Receipt:
        """Make the writes durable, all or none.

        What makes the space hold more than `room` is refused, whoever else writes: Conflict (EPISODE_LIMIT,
        SIZE_LIMIT). Expired episodes take none; replacing takes what it adds.
        SpaceNotFound when the space is gone; Conflict (SPACE_READ_ONLY) when it takes no
        episodes; DimensionMismatch for a vector of another length than the space's, which
        the first vector sets (a journal entry "space" of its own, before the put's).
        """

    def find_receipt(self, uid: int, idempotency: Idempotency) -> Receipt | None:
        """The receipt of an earlier commit to this space under the same scope, None when there is none."""

    # the store itself
    def exists(self) -> bool:
        """Whether there is a store to open, sound or not; `open()` makes one where there is none."""

    def restore(self, backup: Path) -> Path | str | None:
        """Put a verified backup, of a new incarnation, in the place of this store, which nobody may have open.

        Where the store before it is kept; None where there was none.
        """

    def reserved(self) -> AbstractContextManager[None]:
        """Nobody serves this store during the block; raises Conflict where somebody does."""

    def dump(self) -> Iterator[Row]:
        """Everything durable as verified rows, as of one moment, in the order that every store has; see `copying`."""

    def fill(self, rows: Iterable[Row]) -> Digest:
        """Make this store, of which nothing may be there yet, of these rows, all or none, with their incarnation.

        What was stored is read again and compared by digest; raises Damaged where it differs, and Conflict (code
        STORE_NOT_EMPTY) where there is something.
        """

    # journal and learned state
    async def backup(self, path: Path) -> None:
        """Write a consistent copy, of another incarnation, to a new SQLite file while work goes on."""

    def read_journal(self, uid: int, after: int, limit: int) -> list[Change]:
        """Journal entries with sequence > `after`, ascending; empty when there are none."""

    def get_artifact(self, uid: int, name: str) -> bytes | None:
        """A learned state, or None."""

    def list_feedback(self, uid: int, limit: int) -> list[PutFeedback]:
        """The feedback of a space, the last given first; empty when there is none."""

    # kept for a while: any worker finds it, deleting the space erases it, nothing durable depends on it

    def add_completions(self, completions: Sequence[SealedCompletion]) -> None:
        """Keep them to be found; one whose hash is known already is let go."""

    def find_completion(self, uid: int, id_hash: int, since_s: float) -> bytes | None:
        """The sealed completion of this space, noted after `since_s`; None when it is not known (any more)."""

    def purge_completions(self, until_s: float, most: int) -> None:
        """Erase those noted until then, and the oldest where there are more than so many."""

    def add_cues(self, amounts: Mapping[int, Sequence[float]]) -> None:
        """Add, by space and level, to the sums of what all workers counted."""

    def take_cues(self, uid: int) -> dict[int, float]:
        """The sums of a space by level, which are then forgotten; empty where there are none."""

    def discard_damage(self) -> None:
        """Delete what is kept for a while and did not survive a power cut; for a start, before anyone has it open."""

    # jobs of all machines that share the store; nothing durable depends on them

    def claim_job(self, uid: int, kind: str) -> AbstractContextManager[bool]:
        """Whether the job of this kind is ours alone, among all machines, for the block; a process that dies lets go.

        A store that is not remote is of one machine, which has locks of its own: always ours, and nothing is told.
        """

    def tell_job(self, uid: int, kind: str, state: bytes, result: bytes | None = None) -> None:
        """Let all machines know how far a job is; without a `result` the one before stays."""

    def find_job(self, uid: int, kind: str) -> ToldJob | None:
        """What was told last of the space's job, None when nothing was."""

    def find_job_result(self, uid: int, kind: str) -> bytes | None:
        """What came of the space's last job that told a result."""

    # keys
    def find_key(self, digest: bytes) -> Key | None:
        """The key with this SHA-256 digest, or None; revoked and expired ones included."""

    def list_keys(self) -> list[Key]:
        """Every key, by creation."""

    async def put_key(self, key: Key) -> None:
        """Store or replace a key."""


def is_finish_of(stored: bytes, document: bytes) -> bool:
    """Whether a stored document is this one's finished form, whenever it was written."""
    return stored.startswith(document[:-1] + b',"created_at":"')


def finish_document(document: bytes, created_at: str, updated_at: str, revision: int) -> bytes:
    """The stored form of `PutEpisode.document`: the same object with its last three members."""
    return finish_documents([document], created_at, updated_at, revision)[0]


def finish_documents(documents: Iterable[bytes], created_at: str, updated_at: str, revision: int) -> list[bytes]:
    """`finish_document` of several that were written together, each at the revision after the last one's."""
    times = b',"created_at":"%b","updated_at":"%b","revision":' % (created_at.encode(), updated_at.encode())
    return [b"%b%b%d}" % (document[:-1], times, number) for number, document in enumerate(documents, revision)]


def open_store(url: str) -> Store:
    """The store that `url` names, not yet opened: `sqlite:///path` or `postgresql://…`; others raise ValueError."""
    scheme, _, path = url.partition("://")
    if scheme == "sqlite":
        from recollect.store.sqlite import SQLiteStore

        return SQLiteStore(path.removeprefix("/") if not path.startswith("//") else path[1:])
    if scheme in {"postgresql", "postgres"}:
        try:
            from recollect.store.postgres import PostgresStore  # an extra: not every installation has its driver
        except ImportError as lack:
            raise ValueError(f"PostgreSQL needs its driver: pip install 'recollect[postgres]' ({lack})") from lack
        return PostgresStore(url)
    raise ValueError(f"unknown store scheme {scheme!r}; expected sqlite:///path or postgresql://host/database")


__all__ = [
    "EVERYTHING",
    "Change",
    "DeleteEpisode",
    "EpisodeInput",
    "EpisodePage",
    "Idempotency",
    "Mention",
    "PutArtifact",
    "PutEpisode",
    "PutFeedback",
    "Receipt",
    "Room",
    "SealedCompletion",
    "Selection",
    "SpaceDraft",
    "SpaceSize",
    "Store",
    "ToldJob",
    "Write",
    "finish_document",
    "finish_documents",
    "is_finish_of",
    "open_store",
]
