"""The service about itself."""

from __future__ import annotations

from starlette.responses import Response

from handlers import framing, replies
from handlers.calls import Call
from recollect import service
from recollect.service import rules


async def get_version(call: Call) -> Response:
    """Which software answers."""
    return replies.document(call, await service.get_version(call.runtime))


async def get_limits(call: Call) -> Response:
    """What the service takes at most."""
    edge = {"max_headers": rules.MAX_HEADERS, "max_header_bytes": framing.MAX_HEADER_BYTES}
    return replies.document(call, {**await service.get_limits(call.runtime), **edge})


async def get_whoami(call: Call) -> Response:
    """What the caller's key may do."""
    return replies.document(call, await service.get_whoami(call.runtime, call.caller))
