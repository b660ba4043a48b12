"""What a commit will do, decided before a byte is written.

Pure: the standing episodes and the writes go in; rows, journal entries and counters
come out, or the refusal of a condition. So a refused commit has nothing to undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from recollect.errors import Conflict, DimensionMismatch, EpisodeNotFound, PreconditionFailed
from recollect.model import Space, SpaceDraft
from recollect.store import (
    DeleteEpisode,
    PutArtifact,
    PutEpisode,
    PutFeedback,
    Room,
    SpaceSize,
    Write,
    finish_document,
    finish_documents,
    is_finish_of,
)

# 2.7e11 writes per space, 3.3e7 spaces in the life of a store.
REVISION_BITS = 38
LAST_REVISION = (1 << REVISION_BITS) - 1
LAST_UID = (1 << (63 - REVISION_BITS)) - 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored episode as far as a write must know it."""

    revision: int
    place: int
    created_at: str
    size_bytes: int
    has_embedding: bool
    has_expired: bool = False


@dataclass(slots=True)
class Plan:
    """Everything one commit changes in one space. Built by `plan`."""

    uid: int
    revision: int
    now: str
    dimensions: int | None
    standing: dict[str, Standing | None]
    contents: Mapping[str, tuple[bytes, bytes | None]]  # of standing episodes that may be passed over as equal
    sets_dimensions: bool = False
    erased: list[tuple[int]] = field(default_factory=list)
    inserted: dict[str, tuple[object, ...]] = field(default_factory=dict)
    artifacts: list[tuple[int, str, bytes]] = field(default_factory=list)
    feedback: list[tuple[object, ...]] = field(default_factory=list)
    journal: list[tuple[int, str, str]] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    created: list[bool] = field(default_factory=list)
    created_at: list[str] = field(default_factory=list)
    episodes: int = 0
    embeddings: int = 0
    size_bytes: int = 0

    def put_new(self, writes: Sequence[PutEpisode]) -> None:
        """`put` of episodes that are known to be new, without embeddings, each of another id."""
        first, count = self.revision + 1, len(writes)
        if self.revision + count > LAST_REVISION:
            raise _exhausted()
        self.revision += count
        keys = range(key_of(self.uid, first), key_of(self.uid, first) + count)
        documents = finish_documents((write.document for write in writes), self.now, self.now, first)
        uid, now = self.uid, self.now
        for key, write, document in zip(keys, writes, documents, strict=True):
            name = write.episode_id
            times = write.occurred_at_s, write.expires_at_s
            self.inserted[name] = (key, uid, name, key, now, *times, write.origin, document, None)
            self.journal.append((key, "put", name))
        self.episodes += count
        self.size_bytes += sum(map(len, documents))
        self.revisions += range(first, first + count)
        self.created += [True] * count
        self.created_at += [now] * count

    def put(self, write: PutEpisode) -> None:
        """Insert or replace; a replaced episode keeps its place and time of creation."""
        old = self._living(write.episode_id)
        require_revision(write.if_revision, old.revision if old else 0)
        if old and write.skip_equal and self._holds(write):
            self._report(0, False, old.created_at)
            return
        if write.embedding is not None:
            self._require_dimensions(len(write.embedding) // 4)
        key = self._enter("put", write.episode_id)
        place, created_at = (old.place, old.created_at) if old else (key, self.now)
        if old:
            self._remove(write.episode_id, old)
        document = finish_document(write.document, created_at, self.now, self.revision)
        size_bytes = len(document) + len(write.embedding or b"")
        self.inserted[write.episode_id] = (
            key,
            self.uid,
            write.episode_id,
            place,
            created_at,
            write.occurred_at_s,
            write.expires_at_s,
            write.origin,
            document,
            write.embedding,
        )
        new = Standing(self.revision, place, created_at, size_bytes, write.embedding is not None)
        self.standing[write.episode_id] = new
        self._count(new, 1)
        self._report(self.revision, old is None, created_at)

    def delete(self, write: DeleteEpisode) -> None:
        """Erase; refuse, or with `skip_unmet` pass over, what is gone or has moved on."""
        # What is passed over when it is gone may have expired: this is how that is erased.
        old = self.standing.get(write.episode_id) if write.skip_unmet else self._living(write.episode_id)
        if write.skip_unmet and (old is None or not meets(write.if_revision, old.revision)):
            self._report(0, False, "")
            return
        if old is None:
            raise EpisodeNotFound("The space holds no episode with this id.")
        require_revision(write.if_revision, old.revision)
        self._enter("delete", write.episode_id)
        self._remove(write.episode_id, old)
        self.standing[write.episode_id] = None
        self._report(self.revision, False, "")

    def keep(self, write: PutArtifact) -> None:
        """Store a learned state."""
        self._enter("artifact", write.name)
        self.artifacts.append((self.uid, write.name, write.blob))
        self._report(self.revision, False, "")

    def hear(self, write: PutFeedback) -> None:
        """Keep feedback."""
        key = self._enter("feedback", write.feedback_id)
        told = (write.feedback_id, write.field, write.source, write.confidence, int(write.is_right))
        self.feedback.append((key, self.uid, *told, self.now, *(write.shares or (None, None, None))))
        self._report(self.revision, False, "")

    def _holds(self, write: PutEpisode) -> bool:
        """Whether the standing episode of that id is this one to the letter."""
        row = self.inserted.get(write.episode_id)
        document, embedding = self.contents.get(write.episode_id, (b"", None)) if row is None else row[-2:]
        assert isinstance(document, bytes)
        return embedding == write.embedding and is_finish_of(document, write.document)

    def _enter(self, operation: str, name: str) -> int:
        """Take the next number and leave the journal entry."""
        if self.revision >= LAST_REVISION:
            raise _exhausted()
        self.revision += 1
        key = key_of(self.uid, self.revision)
        self.journal.append((key, operation, name))
        return key

    def _living(self, episode_id: str) -> Standing | None:
        """What stands, but for an expired episode: that is taken away as if it had been erased before."""
        old = self.standing.get(episode_id)
        if old is not None and old.has_expired:
            self._remove(episode_id, old)
            old = self.standing[episode_id] = None
        return old

    def _remove(self, episode_id: str, old: Standing) -> None:
        if self.inserted.pop(episode_id, None) is None:
            self.erased.append((key_of(self.uid, old.revision),))
        self._count(old, -1)

    def _count(self, standing: Standing, sign: int) -> None:
        self.episodes += sign
        self.embeddings += sign * standing.has_embedding
        self.size_bytes += sign * standing.size_bytes

    def _require_dimensions(self, length: int) -> None:
        """The first embedding sets the space's dimension, as a journal entry of its own."""
        if self.dimensions is None:
            self._enter("space", "")
            self.dimensions = length
            self.sets_dimensions = True
        elif length != self.dimensions:
            raise dimension_mismatch(length, self.dimensions)

    def _report(self, revision: int, is_new: bool, created_at: str) -> None:
        self.revisions.append(revision)
        self.created.append(is_new)
        self.created_at.append(created_at)


def plan(
    uid: int,
    revision: int,
    dimensions: int | None,
    standing: Mapping[str, Standing],
    writes: Sequence[Write],
    now: str,
    contents: Mapping[str, tuple[bytes, bytes | None]] | None = None,
) -> Plan:
    """The plan of one commit; raises PreconditionFailed, EpisodeNotFound or DimensionMismatch."""
    draft = Plan(uid, revision, now, dimensions, dict(standing), contents or {})
    new = _all_new(standing, writes)
    if new:
        draft.put_new(new)
        return draft
    for write in writes:
        if isinstance(write, PutEpisode):
            draft.put(write)
        elif isinstance(write, DeleteEpisode):
            draft.delete(write)
        elif isinstance(write, PutFeedback):
            draft.hear(write)
        else:
            draft.keep(write)
    return draft


def require_room(
    room: Room | None, before: SpaceSize, done: Plan, measure_expired: Callable[[], tuple[int, int]]
) -> None:
    """Raise Conflict where a plan makes the space hold more than it may.

    `measure_expired` counts, once the plan is applied, the episodes and bytes that have expired and still lie there.
    """
    episodes, size_bytes = before.episodes + done.episodes, before.size_bytes + done.size_bytes
    if room is None or not _is_over(room, episodes, size_bytes, done):
        return
    gone, gone_bytes = measure_expired()
    if _is_over(room, episodes - gone, size_bytes - gone_bytes, done):
        raise _full(room, episodes - gone, size_bytes - gone_bytes, done)


def _is_over(room: Room, episodes: int, size_bytes: int, done: Plan) -> bool:
    """Whether so much is too much; a plan that adds nothing is none's fault."""
    return (done.episodes > 0 and episodes > room.episodes) or (done.size_bytes > 0 and size_bytes > room.size_bytes)


def _full(room: Room, episodes: int, size_bytes: int, done: Plan) -> Conflict:
    if done.episodes > 0 and episodes > room.episodes:
        held = episodes - done.episodes
        return Conflict(
            f"The space holds {held} episodes and takes at most {room.episodes}.",
            code="EPISODE_LIMIT",
            context={"episodes": held, "max_episodes": room.episodes},
        )
    held = size_bytes - done.size_bytes
    return Conflict(
        f"The space holds {held} bytes, {done.size_bytes} more were to be stored, and it takes at most"
        f" {room.size_bytes}.",
        code="SIZE_LIMIT",
        context={"size_bytes": held, "more_bytes": done.size_bytes, "max_space_bytes": room.size_bytes},
    )


def _all_new(standing: Mapping[str, Standing], writes: Sequence[Write]) -> list[PutEpisode]:
    """The writes, where each is known to put another new episode; none else."""
    if standing or len(writes) < 2:
        return []
    puts = [each for each in writes if isinstance(each, PutEpisode) and each.embedding is None and not each.if_revision]
    return puts if len({each.episode_id for each in puts}) == len(writes) else []


def _exhausted() -> Conflict:
    return Conflict("The space has used up its revisions.", code="SPACE_EXHAUSTED")


def key_of(uid: int, revision: int) -> int:
    """Where an episode or journal entry of this revision lies."""
    return uid << REVISION_BITS | revision


def revision_of(key: int) -> int:
    """The revision within a key."""
    return key & LAST_REVISION


def meets(wanted: int | None, found: int) -> bool:
    """Whether an `if_revision` condition holds for the standing revision (0: there is none)."""
    return wanted is None or wanted == found or (wanted == -1 and found > 0)


def require_revision(wanted: int | None, found: int) -> None:
    """Raise PreconditionFailed unless the condition holds."""
    if wanted is None or meets(wanted, found):
        return
    raise PreconditionFailed(
        f"The stored revision is {found}, not {wanted}." if found and wanted > 0 else _absence(found),
        context={"revision": found, "required_revision": wanted},
    )


def dimension_mismatch(length: int, dimensions: int) -> DimensionMismatch:
    """The refusal of a vector of another length than the space's."""
    return DimensionMismatch(
        f"The embedding has {length} dimensions, the space has {dimensions}.",
        context={"dimensions": length, "space_dimensions": dimensions},
    )


def dimensions_after(old: Space, draft: SpaceDraft, embeddings: int) -> int | None:
    """The dimension of a changed space: stored embeddings fix it; None in the draft means as it is."""
    if not embeddings or draft.embedding_dimensions == old.embedding_dimensions:
        return draft.embedding_dimensions
    if draft.embedding_dimensions is None:
        return old.embedding_dimensions
    raise Conflict(
        f"The space holds {embeddings} embeddings of {old.embedding_dimensions} dimensions;"
        f" it cannot change to {draft.embedding_dimensions}.",
        code="EMBEDDING_DIMENSIONS_FIXED",
        context={
            "embeddings": embeddings,
            "space_dimensions": old.embedding_dimensions,
            "dimensions": draft.embedding_dimensions,
        },
    )


def _absence(found: int) -> str:
    return f"It exists already, at revision {found}." if found else "It does not exist."
