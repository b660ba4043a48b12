"""The space `demo`: shipped episodes to try the API on, read only."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from importlib import resources

from recollect import telemetry
from recollect.model import ImportFormat, Scope, Space, SpaceDraft
from recollect.service.imports import import_episodes
from recollect.service.runtime import Runtime
from recollect.service.spaces import delete_space, list_spaces, put_space

_DEMO = Scope("demo")
_DEMO_IS = "Made-up episodes of everyday life to try the API on; read only"


async def provide_demo(runtime: Runtime) -> None:
    """Fill the demo space and close it for writes; one that holds another edition is made anew."""
    episodes = resources.files("recollect").joinpath("demo/episodes.jsonl").read_bytes()
    description = f"{_DEMO_IS}; edition {hashlib.sha256(episodes).hexdigest()[:12]}."
    present = await _find_demo(runtime)
    if present is not None and not present.description.startswith(_DEMO_IS):
        telemetry.log("demo_not_provided", reason="a space of this name exists that is not ours")
        return
    if present is not None and present.description != description:
        await delete_space(runtime, _DEMO)
    elif present is not None and present.read_only:
        return

    async def whole() -> AsyncIterator[bytes]:
        yield episodes

    # Closed only at the end: a start that was cut off in between is taken up again here.
    await put_space(runtime, _DEMO, SpaceDraft(description=description))
    report = await import_episodes(runtime, _DEMO, whole(), form=ImportFormat.JSONL)
    await put_space(runtime, _DEMO, SpaceDraft(description=description, read_only=True))
    telemetry.log("demo_provided", accepted=report.accepted, rejected=report.rejected_total)


async def _find_demo(runtime: Runtime) -> Space | None:
    listing = await list_spaces(runtime, Scope("", spaces=(_DEMO.space_id,)))
    return listing.items[0] if listing.items else None
