"""Episodes one by one, listed, and forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from dataclasses import replace
from functools import partial
from operator import and_

import orjson

from recollect.errors import Conflict, EpisodeNotFound, InvalidRequest, PreconditionFailed, Unavailable, Violation
from recollect.model import (
    CueNote,
    Episode,
    EpisodeFilter,
    EpisodeInput,
    EpisodeListing,
    Erasure,
    ForgetProof,
    ForgetReceipt,
    Scope,
    Space,
    WrittenEpisode,
)
from recollect.service import cues, cursors, proofs
from recollect.service.admission import admit, encode, require_dimensions
from recollect.service.conditions import required_revision
from recollect.service.filters import missing_of, select
from recollect.service.idempotency import canonical_fields, idempotency
from recollect.service.rules import MAX_PAGE_ITEMS
from recollect.service.runtime import Runtime
from recollect.store import (
    EVERYTHING,
    DeleteEpisode,
    EpisodePage,
    Idempotency,
    PutEpisode,
    Receipt,
    Selection,
    finish_document,
)
from recollect.times import EXPECTED, epoch_seconds

DEFAULT_PAGE = 100
ERASE_CHUNK = 1000
NOTED_WITHIN_S = 2.0
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u


async def create_episode(
    runtime: Runtime, scope: Scope, episode: EpisodeInput, *, idempotency_key: str | None = None
) -> WrittenEpisode:
    """Store a new episode; raises Conflict (EPISODE_EXISTS) when its id is taken."""
    episode_id = episode.episode_id or new_episode_id()
    space, write = await _admitted(runtime, scope, episode, episode_id)
    receipt = None
    with contextlib.suppress(PreconditionFailed):
        receipt = await _put(runtime, scope, space, episode, write, 0, "create_episode", idempotency_key)
    if receipt is None:
        raise Conflict("The space already holds an episode with this id.", code="EPISODE_EXISTS")
    return await _written(runtime, space, episode, write, receipt)


async def put_episode(
    runtime: Runtime,
    scope: Scope,
    episode_id: str,
    episode: EpisodeInput,
    *,
    if_revision: int | None = None,
    in_incarnation: str | None = None,
    idempotency_key: str | None = None,
) -> WrittenEpisode:
    """Store an episode under this id, replacing what is there; `if_revision` as in `PutEpisode`."""
    if episode.episode_id not in {None, episode_id}:
        violation = Violation("/id", "ID_DIFFERS", "the id of the path, or none", "another id")
        raise InvalidRequest("The episode's id differs from the path's.", code="ID_DIFFERS", violations=(violation,))
    space, write = await _admitted(runtime, scope, episode, episode_id)
    required = required_revision(space, if_revision, in_incarnation)
    receipt = await _put(runtime, scope, space, episode, write, required, "put_episode", idempotency_key)
    return await _written(runtime, space, episode, write, receipt)


async def get_episode(runtime: Runtime, scope: Scope, episode_id: str) -> Episode:
    """One stored episode; raises EpisodeNotFound."""
    space = await runtime.space(scope)
    episode = await runtime.read(runtime.store.get_episode, space.uid, episode_id)
    if episode is None:
        raise EpisodeNotFound("The space holds no episode with this id.")
    return replace(episode, incarnation=space.incarnation)


async def delete_episode(
    runtime: Runtime,
    scope: Scope,
    episode_id: str,
    *,
    if_revision: int | None = None,
    in_incarnation: str | None = None,
    idempotency_key: str | None = None,
) -> int:
    """Erase one episode; the space's revision after it. Raises EpisodeNotFound."""
    space = await writable(runtime, scope)
    required = required_revision(space, if_revision, in_incarnation)
    content = episode_id.encode(), str(required).encode()
    key = idempotency(scope, space, "delete_episode", idempotency_key, *content)
    receipt = await runtime.store.commit(space.uid, [DeleteEpisode(episode_id, required)], idempotency=key)
    return receipt.revision


async def list_episodes(
    runtime: Runtime,
    scope: Scope,
    where: EpisodeFilter | None = None,
    *,
    limit: int = DEFAULT_PAGE,
    cursor: str | None = None,
) -> EpisodeListing:
    """A page of episodes in order of creation, as of the first page: later ones do not appear."""
    space = await runtime.space(scope)
    where = where or EpisodeFilter()
    check_filter(where)
    chosen = select(where, missing_of(space))
    bound_to = f"{space.incarnation}:{_canonical(where).decode()}"
    until_revision, after = space.revision, 0
    if cursor is not None:
        until_revision, after = map(int, cursors.unseal(cursor, bound_to).split(","))
    page = await _page(runtime, space, chosen, after, until_revision, min(limit, MAX_PAGE_ITEMS))
    following = None if page.next_after is None else cursors.seal(f"{until_revision},{page.next_after}", bound_to)
    return EpisodeListing(page.items, following)


async def forget_episodes(
    runtime: Runtime,
    scope: Scope,
    where: EpisodeFilter,
    *,
    dry_run: bool = True,
    expected_count: int | None = None,
    proof: bool = False,
    idempotency_key: str | None = None,
) -> ForgetReceipt:
    """Count, or erase, the episodes that match now; one written or changed meanwhile stays.

    With `proof` the receipt of an erasure tells what was answered before and after.

    Erasing takes the `expected_count`: raises Conflict (COUNT_DIFFERS), before anything is
    erased, when another number matches by now.
    """
    space = await (runtime.space(scope) if dry_run else writable(runtime, scope))
    check_filter(where)
    if not dry_run and expected_count is None:
        violation = Violation("/expected_count", "REQUIRED", "the count of the dry run", "none")
        raise InvalidRequest(
            "Erasing takes the number of episodes that you expect to be erased: send the count of the dry run.",
            code="EXPECTED_COUNT_REQUIRED",
            violations=(violation,),
        )
    key = idempotency(scope, space, "forget_episodes", idempotency_key, _canonical(where), str(expected_count).encode())
    earlier = None if dry_run or key is None else await runtime.read(runtime.store.find_receipt, space.uid, key)
    if earlier is not None:
        return _read_receipt(earlier)
    matching = await _matching(runtime, space, select(where, missing_of(space)))
    if expected_count is not None and expected_count != len(matching):
        raise Conflict(
            f"{len(matching)} episodes match, {expected_count} were expected. Nothing was erased.",
            code="COUNT_DIFFERS",
            context={"matched": len(matching), "expected_count": expected_count},
        )
    if dry_run:
        notes = () if matching or not where.fields else await _noted(runtime, scope, where)
        return ForgetReceipt(True, len(matching), space.revision, cue_notes=notes)
    if not proof:
        return await _erase(runtime, space, matching, key)
    cues = await runtime.read(proofs.probes, runtime, space, [episode_id for episode_id, _, _ in matching])
    before = await proofs.answered(runtime, scope, cues)
    receipt = await _erase(runtime, space, matching, key)
    check = await proofs.prove_forgetting(runtime, scope, cues, receipt.revision)
    return replace(receipt, proof=ForgetProof(cues, before, check.digest, check.twin))


async def expire_episodes(runtime: Runtime) -> int:
    """Erase every episode whose time has passed; how many. To be called now and then, by any worker.

    It only frees space: no read finds an expired episode, erased or not.
    """
    erased = 0
    after: str | None = None
    while spaces := await runtime.read(runtime.store.list_spaces, after, MAX_PAGE_ITEMS):
        after = spaces[-1].space_id
        for space in spaces:
            now_s = time.time()
            while not space.read_only and (
                expired := await runtime.read(runtime.store.expired_episodes, space.uid, now_s, ERASE_CHUNK)
            ):
                matching = [(episode_id, revision, False) for episode_id, revision in expired]
                erased += (await _erase(runtime, space, matching)).count
                await asyncio.sleep(0)
        await asyncio.sleep(0)
    return erased


async def writable(runtime: Runtime, scope: Scope) -> Space:
    """The caller's space; raises Conflict (SPACE_READ_ONLY) when it takes no episodes."""
    space = await runtime.space(scope)
    if space.read_only:
        raise Conflict("The memory space is read-only.", code="SPACE_READ_ONLY")
    return space


def new_episode_id() -> str:
    """`ep_` and 26 characters: 48 bits of milliseconds, so that neighbours in time lie together, and 80 random ones."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "ep_" + "".join(_ID_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def check_filter(where: EpisodeFilter) -> None:
    """Raise InvalidRequest for a bound that is no time."""
    for name in ("occurred_after", "occurred_before"):
        text = getattr(where, name)
        if text is not None:
            try:
                epoch_seconds(text)
            except ValueError:
                violation = Violation(f"/filter/{name}", "TIME", EXPECTED, f"{len(text)} characters")
                raise InvalidRequest(
                    f"The filter's {name} is not {EXPECTED}.",
                    code="INVALID_FILTER",
                    violations=(violation,),
                ) from None


async def _admitted(runtime: Runtime, scope: Scope, episode: EpisodeInput, episode_id: str) -> tuple[Space, PutEpisode]:
    """The space and the write; what is wrong in itself is refused, on both edges, before anybody asks for the space."""
    write = admit(episode, episode_id, None)
    space = await writable(runtime, scope)
    if episode.embedding is not None and space.embedding_dimensions is not None:
        require_dimensions(len(episode.embedding) // 4, space.embedding_dimensions)
    return space, write


async def _put(
    runtime: Runtime,
    scope: Scope,
    space: Space,
    episode: EpisodeInput,
    write: PutEpisode,
    if_revision: int | None,
    operation: str,
    key: str | None,
) -> Receipt:
    same = replace(episode, fields=canonical_fields(episode.fields))
    content = encode(same, episode.episode_id or ""), episode.embedding or b"", str(if_revision).encode()
    conditional = PutEpisode(
        write.episode_id,
        write.document,
        write.embedding,
        write.occurred_at_s,
        write.expires_at_s,
        write.origin,
        if_revision,
    )
    # The note keeps an id that we made up, so that a replay answers with the same one.
    return await runtime.store.commit(
        space.uid,
        [conditional],
        idempotency=idempotency(scope, space, operation, key, *content),
        note=write.episode_id.encode(),
        room=runtime.room,
    )


async def _written(
    runtime: Runtime, space: Space, episode: EpisodeInput, write: PutEpisode, receipt: Receipt
) -> WrittenEpisode:
    """What was written: a replay gives the same bytes, as they are stored or else made again from the request."""
    episode_id, document = write.episode_id, write.document
    if receipt.replayed:
        episode_id = receipt.note.decode()
        stored = await runtime.read(runtime.store.get_episode, space.uid, episode_id)
        if stored is not None and stored.revision == receipt.revisions[0]:
            return WrittenEpisode(replace(stored, incarnation=space.incarnation), receipt.created[0], replayed=True)
        document = encode(episode, episode_id)
    document = finish_document(document, receipt.created_at[0], receipt.updated_at, receipt.revisions[0])
    stored = Episode(episode_id, receipt.revisions[0], document, episode.embedding, space.incarnation)
    return WrittenEpisode(stored, receipt.created[0], receipt.replayed)


async def _page(
    runtime: Runtime, space: Space, where: Selection, after: int, until_revision: int, limit: int
) -> EpisodePage:
    """A page; a filtered one may have to look through many episodes and does so beside the event loop."""

    def read() -> EpisodePage:
        return runtime.store.page_episodes(space.uid, where, after=after, until_revision=until_revision, limit=limit)

    return await (runtime.read(read) if where == EVERYTHING else asyncio.to_thread(read))


async def _matching(runtime: Runtime, space: Space, where: Selection) -> list[tuple[str, int, bool]]:
    """(id, revision, has an embedding) of every episode that matches now."""
    matching: list[tuple[str, int, bool]] = []
    after: int | None = 0
    while after is not None:
        page = await _page(runtime, space, where, after, space.revision, MAX_PAGE_ITEMS)
        matching += [(each.episode_id, each.revision, each.embedding is not None) for each in page.items]
        after = page.next_after
        await asyncio.sleep(0)
    return matching


async def _noted(runtime: Runtime, scope: Scope, where: EpisodeFilter) -> tuple[CueNote, ...]:
    """What no episode can have of a filter; nothing where the space is not at hand: a count needs no memory of it."""
    with contextlib.suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(NOTED_WITHIN_S), runtime.turns.at(scope) as turn:
            return await turn.run(partial(cues.of_filter, turn.memory, where), is_reading=True)
    return ()


async def _erase(
    runtime: Runtime, space: Space, matching: list[tuple[str, int, bool]], key: Idempotency | None = None
) -> ForgetReceipt:
    """Erase in chunks; under an Idempotency-Key in one transaction with the record of it, so that it happens once."""
    chunk_length = ERASE_CHUNK if key is None else max(1, len(matching))
    erased = embeddings = 0
    revision = space.revision
    for start in range(0, max(1, len(matching)) if key is not None else len(matching), chunk_length):
        chunk = matching[start : start + chunk_length]
        writes = [DeleteEpisode(episode_id, found, skip_unmet=True) for episode_id, found, _ in chunk]
        note = bytes(has_embedding for _, _, has_embedding in chunk)
        receipt = await runtime.store.commit(space.uid, writes, idempotency=key, note=note)
        done = _read_receipt(receipt)
        revision = done.revision
        erased += done.count
        embeddings += done.erased[1].count
    return _receipt(erased, embeddings, revision)


def _read_receipt(receipt: Receipt) -> ForgetReceipt:
    """What an erasure did: its writes' revisions tell which episodes were erased, its note which had embeddings."""
    erased = [revision > 0 for revision in receipt.revisions]
    embeddings = sum(map(and_, erased, map(bool, receipt.note)))
    return _receipt(sum(erased), embeddings, receipt.revision)


def _receipt(erased: int, embeddings: int, revision: int) -> ForgetReceipt:
    return ForgetReceipt(False, erased, revision, (Erasure("episodes", erased), Erasure("embeddings", embeddings)))


def _canonical(where: EpisodeFilter) -> bytes:
    parts = [canonical_fields(where.fields), where.occurred_after, where.occurred_before, where.origin]
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
