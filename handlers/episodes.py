"""Episodes one by one, listed, and forgotten."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from handlers import problems, reading, replies
from handlers.calls import Call
from handlers.conditions import condition, etag, is_unchanged
from recollect import service
from recollect.model import WrittenEpisode
from recollect.service.admission import read_episode


async def create_episode(call: Call) -> Response:
    """Store a new episode."""
    written = await service.create_episode(
        call.runtime, call.scope, read_episode(call.body), idempotency_key=call.header(b"idempotency-key")
    )
    return _written(call, written)


async def put_episode(call: Call, episode_id: str) -> Response:
    """Store an episode under a given id."""
    written = await service.put_episode(
        call.runtime,
        call.scope,
        episode_id,
        read_episode(call.body),
        **condition(call),
        idempotency_key=call.header(b"idempotency-key"),
    )
    return _written(call, written)


async def get_episode(call: Call, episode_id: str) -> Response:
    """One stored episode."""
    stored = await service.get_episode(call.runtime, call.scope, episode_id)
    tag = etag(stored.revision, stored.incarnation)
    if is_unchanged(call, tag):
        return replies.empty(call, 304, [(b"etag", tag)])
    return replies.episode(call, stored)


async def delete_episode(call: Call, episode_id: str) -> Response:
    """Erase one episode."""
    await service.delete_episode(
        call.runtime,
        call.scope,
        episode_id,
        **condition(call),
        idempotency_key=call.header(b"idempotency-key"),
    )
    return replies.empty(call)


async def list_episodes(call: Call, limit: int = 100, cursor: str | None = None, **where: Any) -> Response:
    """A page of stored episodes."""
    page = await service.list_episodes(
        call.runtime, call.scope, reading.episode_filter(where), limit=limit, cursor=cursor
    )
    return replies.episode_page(call, page.items, page.next_cursor)


async def forget_episodes(call: Call) -> Response:
    """Count, or erase, the episodes that a filter finds."""
    body = call.body
    report = await service.forget_episodes(
        call.runtime,
        call.scope,
        reading.episode_filter(body.get("filter", {})),
        dry_run=body.get("dry_run", True),
        expected_count=body.get("expected_count"),
        proof=body.get("proof", False),
        idempotency_key=call.header(b"idempotency-key"),
    )
    told = asdict(report)
    if report.proof is None:
        del told["proof"]
    else:
        told["proof"]["probes"] = [{"known_fields": cue.known_fields} for cue in report.proof.probes]
    del told["cue_notes"]
    return replies.document(call, {**told, **problems.cue_notes(report.cue_notes)})


async def prove_forgetting(call: Call) -> Response:
    """Whether what was erased still speaks in the answers."""
    body = call.body
    cues = [reading.cue(each, f"/probes/{at}") for at, each in enumerate(body["probes"])]
    return replies.document(call, await service.prove_forgetting(call.runtime, call.scope, cues, body["revision"]))


async def merge_episodes(call: Call) -> Response:
    """Make several episodes one, and tell how they were."""
    receipt = await service.merge_episodes(
        call.runtime,
        call.scope,
        reading.merge_request(call.body),
        **condition(call),
        idempotency_key=call.header(b"idempotency-key"),
    )
    tag = (b"etag", etag(receipt.revision, receipt.incarnation))
    return replies.document(call, replies.merge_receipt(receipt), headers=[tag, *_replayed(receipt.replayed)])


async def unmerge_episodes(call: Call) -> Response:
    """Take a merge back by its receipt."""
    receipt = reading.merge_receipt(call.body)
    done = await service.unmerge_episodes(
        call.runtime, call.scope, receipt, idempotency_key=call.header(b"idempotency-key")
    )
    told = {"episode_ids": done.episode_ids, "revision": done.revision}
    return replies.document(call, told, headers=_replayed(done.replayed))


def _replayed(is_replay: bool) -> list[tuple[bytes, bytes]]:
    return [(b"idempotency-replayed", b"true")] if is_replay else []


def _written(call: Call, written: WrittenEpisode) -> Response:
    stored = written.episode
    location = f"{call.operation.base_path}/episodes/{quote(stored.episode_id, safe='')}"
    headers = [(b"location", location.encode("ascii")), *_replayed(written.replayed)]
    return replies.episode(call, stored, 201 if written.created else 200, headers)
