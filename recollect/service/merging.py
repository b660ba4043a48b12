"""Several episodes of one event made one, and taken apart again by the receipt.

The receipt holds the episodes as they were. It goes to the caller and is kept nowhere else, so that what is forgotten
later stays forgotten; of a merge under an Idempotency-Key it is kept for a day, sealed with that key, of which only a
hash is kept beside it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

import orjson

from engine import Missing, identity
from recollect.errors import EpisodeNotFound, InvalidRequest, PreconditionFailed, Violation
from recollect.memory.space import moment_of
from recollect.model import (
    Episode,
    EpisodeInput,
    FieldValue,
    MergedField,
    MergeReceipt,
    MergeRequest,
    Origin,
    Preference,
    Scope,
    Space,
    Unmerged,
)
from recollect.service.admission import admit
from recollect.service.conditions import required_revision
from recollect.service.episodes import writable
from recollect.service.filters import missing_of
from recollect.service.idempotency import canonical_fields, idempotency
from recollect.service.runtime import Runtime
from recollect.store import DeleteEpisode, Idempotency, PutEpisode, Receipt
from recollect.store.plan import require_revision
from recollect.store.recent import seal
from recollect.times import epoch_seconds

T = TypeVar("T")

ATTEMPTS = 3  # where somebody else writes one of the episodes between their reading and the merge


async def merge_episodes(
    runtime: Runtime,
    scope: Scope,
    request: MergeRequest,
    *,
    if_revision: int | None = None,
    in_incarnation: str | None = None,
    idempotency_key: str | None = None,
) -> MergeReceipt:
    """Make several episodes one, all or nothing; the condition is on the first. Raises EpisodeNotFound."""
    space = await (runtime.space(scope) if request.dry_run else writable(runtime, scope))
    required = required_revision(space, if_revision, in_incarnation)
    if request.dry_run:
        return (await _planned(runtime, space, request, required))[1]
    asked = orjson.dumps([request.episode_ids, request.prefer, canonical_fields(request.fields), required])
    secret, key = _hidden(scope, space, idempotency_key, asked)
    earlier = None if key is None else await runtime.read(runtime.store.find_receipt, space.uid, key)
    if earlier is not None:
        return _again(earlier, space, secret)
    for attempt in range(1, ATTEMPTS + 1):
        writes, told = await _planned(runtime, space, request, required)
        note = b"" if key is None else seal(secret, _encoded(told))
        try:
            done = await runtime.store.commit(space.uid, writes, idempotency=key, note=note, room=runtime.room)
        except PreconditionFailed:
            if required is not None or attempt == ATTEMPTS:
                raise
            continue
        return _again(done, space, secret) if done.replayed else replace(told, revision=done.revisions[0])
    raise AssertionError("the last attempt returns or raises")


async def unmerge_episodes(
    runtime: Runtime, scope: Scope, receipt: MergeReceipt, *, idempotency_key: str | None = None
) -> Unmerged:
    """Put the episodes of a receipt back; raises PreconditionFailed where the merged one is not as it was left."""
    space = await writable(runtime, scope)
    ids = _ids(receipt)
    writes = []
    for at, (episode_id, each) in enumerate(zip(ids, receipt.episodes, strict=True)):
        write = admit(each, episode_id, space.embedding_dimensions, fields_at=f"/episodes/{at}/fields")
        writes.append(write._replace(if_revision=receipt.revision if episode_id == receipt.episode_id else 0))
    asked = [receipt.episode_id, receipt.revision, [write.document.decode() for write in writes]]
    key = idempotency(scope, space, "unmerge_episodes", idempotency_key, orjson.dumps(asked))
    done = await runtime.store.commit(space.uid, writes, idempotency=key, room=runtime.room)
    return Unmerged(ids, done.revision, done.replayed)


async def _planned(
    runtime: Runtime, space: Space, request: MergeRequest, required: int | None
) -> tuple[list[PutEpisode | DeleteEpisode], MergeReceipt]:
    """The writes of a merge, each on condition that its episode is as it was read, and the receipt to be."""
    found = []
    for at, episode_id in enumerate(request.episode_ids):
        episode = await runtime.read(runtime.store.get_episode, space.uid, episode_id)
        if episode is None:
            raise EpisodeNotFound(
                f"The space holds no episode with the id at /episode_ids/{at}; nothing was merged.", context={"at": at}
            )
        found.append(episode)
    first = found[0]
    require_revision(required, first.revision)
    given = tuple(map(_input, found))
    merged, differs = _merged(given, [each.revision for each in found], request, missing_of(space))
    write = admit(merged, first.episode_id, space.embedding_dimensions)._replace(if_revision=first.revision)
    receipt = MergeReceipt(
        request.dry_run, first.episode_id, first.revision, merged.fields, differs, given, space.incarnation
    )
    return [write, *(DeleteEpisode(each.episode_id, each.revision) for each in found[1:])], receipt


def _merged(
    given: Sequence[EpisodeInput], revisions: Sequence[int], request: MergeRequest, missing: Missing
) -> tuple[EpisodeInput, tuple[MergedField, ...]]:
    """What one episode says in the place of all, and where they differ; raises InvalidRequest for unlike origins."""
    if len({each.origin for each in given}) > 1:
        fault = Violation("/episode_ids", "ORIGINS_DIFFER", "episodes of one origin", "observed and reconstructed ones")
        raise InvalidRequest("Observed and reconstructed episodes are not merged into one.", violations=(fault,))
    order = list(range(len(given)))
    if request.prefer is Preference.LATEST:
        order.sort(key=lambda at: (_moment(given[at]), revisions[at]), reverse=True)
    ranked = [given[at] for at in order]
    fields: dict[str, FieldValue] = {}
    differs = []
    for name in dict.fromkeys((*(name for each in given for name in each.fields), *request.fields)):
        stated = [each.fields[name] for each in ranked if name in each.fields]
        known = [value for value in stated if value not in missing]
        kept = fields[name] = request.fields[name] if name in request.fields else (known or stated)[0]
        said: dict[object, FieldValue] = {}
        for value in known:
            said.setdefault(identity(value), value)
        if said.keys() - {identity(kept)}:
            differs.append(MergedField(name, tuple(said.values()), kept))
    expiries = [each.expires_at for each in given if each.expires_at is not None]
    metadata = {name: text for each in reversed(ranked) for name, text in each.metadata.items()}
    merged = EpisodeInput(
        fields,
        given[0].episode_id,
        _first(each.embedding for each in ranked),
        _first(each.occurred_at for each in ranked),
        min(expiries, key=epoch_seconds, default=None),
        given[0].origin,
        metadata,
    )
    return merged, tuple(differs)


def _moment(episode: EpisodeInput) -> float:
    """When it happened; before everything else where that is not known."""
    moment = moment_of(episode.occurred_at, episode.fields)
    return moment if moment == moment else float("-inf")  # noqa: PLR0124  # NaN is unlike itself


def _first(values: Iterable[T | None]) -> T | None:
    return next((each for each in values if each is not None), None)


def _input(stored: Episode) -> EpisodeInput:
    """A stored episode as it could be handed in."""
    document = orjson.loads(stored.document)
    return EpisodeInput(
        document["fields"],
        stored.episode_id,
        stored.embedding,
        document.get("occurred_at"),
        document.get("expires_at"),
        Origin(document["origin"]),
        document.get("metadata", {}),
    )


def _ids(receipt: MergeReceipt) -> tuple[str, ...]:
    """The ids of a receipt's episodes; raises InvalidRequest where it cannot be one."""
    ids = tuple(each.episode_id or "" for each in receipt.episodes)
    if len(set(ids)) == len(ids) and all(ids) and receipt.episode_id in ids:
        return ids
    fault = Violation("/episodes", "NOT_A_RECEIPT", "episodes with ids of their own, one of them episode_id", "others")
    raise InvalidRequest("This is no receipt of a merge: the ids of its episodes do not fit.", violations=(fault,))


def _hidden(scope: Scope, space: Space, key: str | None, asked: bytes) -> tuple[str, Idempotency | None]:
    """What seals the receipt, and the replay protection, under which only a hash of the caller's key is kept."""
    if key is None:
        return "", None
    hidden = hashlib.blake2b(key.encode(), digest_size=32, person=b"merge").hexdigest()
    protection = idempotency(scope, space, "merge_episodes", hidden, asked)
    assert protection is not None
    return f"{key}\n{protection.scope}\n{protection.digest.hex()}", protection


def _encoded(receipt: MergeReceipt) -> bytes:
    return orjson.dumps(asdict(receipt), default=lambda vector: base64.b64encode(vector).decode("ascii"))


def _again(done: Receipt, space: Space, secret: str) -> MergeReceipt:
    """The receipt of a merge that an earlier request with the same key has made."""
    told: dict[str, Any] = orjson.loads(seal(secret, done.note))
    for each in told["episodes"]:
        vector = each["embedding"]
        each["embedding"] = None if vector is None else base64.b64decode(vector)
        each["origin"] = Origin(each["origin"])
    return MergeReceipt(
        False,
        told["episode_id"],
        done.revisions[0],
        told["fields"],
        tuple(MergedField(each["field"], tuple(each["values"]), each["kept"]) for each in told["differs"]),
        tuple(EpisodeInput(**each) for each in told["episodes"]),
        space.incarnation,
        replayed=True,
    )
