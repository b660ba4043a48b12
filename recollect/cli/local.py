"""Work on the local data folder, for the commands that need no running server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from recollect.cli.console import Failure
from recollect.errors import RecollectError
from recollect.settings import Settings

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime

T = TypeVar("T")


def with_runtime(work: Callable[[Runtime], Awaitable[T]], *, as_json: bool) -> T:
    """Do the work on the local store, opened for it and closed after it."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.service.runtime import open_runtime

    async def open_and_work() -> T:
        async with open_runtime(Settings.from_environment()) as runtime:
            return await work(runtime)

    try:
        return asyncio.run(open_and_work())
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, as_json=as_json) from None
