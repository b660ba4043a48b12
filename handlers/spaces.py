"""Memory spaces: the control plane."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from handlers import replies
from handlers.calls import Call
from handlers.conditions import condition, etag, is_unchanged
from recollect import service
from recollect.model import Space
from recollect.service.spaces import read_draft


async def list_spaces(call: Call, limit: int = 100, cursor: str | None = None) -> Response:
    """The memory spaces that the key may see."""
    page = await service.list_spaces(call.runtime, call.scope, limit=limit, cursor=cursor)
    return replies.document(call, {"items": [_public(each) for each in page.items], "next_cursor": page.next_cursor})


async def get_space(call: Call, space_id: str) -> Response:
    """One memory space."""
    space = await service.get_space(call.runtime, call.scope)
    tag = etag(space.revision, space.incarnation)
    if is_unchanged(call, tag):
        return replies.empty(call, 304, [(b"etag", tag)])
    return _space(call, space)


async def put_space(call: Call, space_id: str) -> Response:
    """Create a memory space, or change it to these settings."""
    draft = read_draft(call.body)
    space, is_new = await service.put_space(call.runtime, call.scope, draft, **condition(call))
    if not is_new:
        return _space(call, space)
    location = f"{call.operation.base_path}/spaces/{space_id}".encode("ascii")
    return _space(call, space, 201, [(b"location", location)])


async def patch_space(call: Call, space_id: str) -> Response:
    """Change some of a memory space's settings."""
    space = await service.patch_space(call.runtime, call.scope, call.body, **condition(call))
    return _space(call, space)


async def delete_space(call: Call, space_id: str) -> Response:
    """Erase a memory space and everything in it."""
    await service.delete_space(call.runtime, call.scope, **condition(call))
    return replies.empty(call)


async def get_space_stats(call: Call, space_id: str) -> Response:
    """What a memory space holds."""
    return replies.document(call, await service.get_space_stats(call.runtime, call.scope))


def _space(call: Call, space: Space, status: int = 200, headers: replies.Headers = ()) -> Response:
    return replies.document(
        call, _public(space), status, [(b"etag", etag(space.revision, space.incarnation)), *headers]
    )


def _public(space: Space) -> dict[str, Any]:
    """A space without what is internal to the store."""
    return {
        "space_id": space.space_id,
        "description": space.description,
        "embedding_dimensions": space.embedding_dimensions,
        "schema": dict(space.schema),
        "read_only": space.read_only,
        "missing_values": list(space.missing_values),
        "created_at": space.created_at,
        "updated_at": space.updated_at,
        "revision": space.revision,
        "incarnation": space.incarnation,
    }
