"""A worker of a process of its own that tells what it holds, and stops itself amid the journal when told to.

Run as `python -m tests.reliability.worker <store> <folder>`. Each line of stdin is a number: after so many pages of
the journal the process stands still (SIGSTOP), between reading a page and applying it; 0: it never does. The line
that answers on stdout is what `held` tells then.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

from recollect import memory
from recollect.errors import RecollectError
from recollect.memory import Memories
from recollect.model import CompleteRequest, CompletionConfig, Cue, Scope
from recollect.service.completions import complete
from recollect.service.episodes import list_episodes
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store import Change, Store, open_store

SCOPE = Scope("diary", "key_1")
PAGE = 5  # entries of the journal that are applied at once
WHATS = ("breakfast", "lunch", "dinner", "tea")


class StoppingStore:
    """A store whose reader stands still between reading a page of the journal and applying it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pages_left = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read_journal(self, uid: int, after: int, limit: int) -> list[Change]:
        """As the store's; then the process stands still, if this was the page."""
        changes = self._store.read_journal(uid, after, limit)
        if self.pages_left == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        self.pages_left -= 1
        return changes


async def held(runtime: Runtime) -> bytes:
    """What the store lists, where its episodes lie in RAM, and how cues are answered, as JSON."""
    try:
        told: object = await _held(runtime)
    except RecollectError as refusal:
        told = {"refused": refusal.code}
    return orjson.dumps(told, default=str)


async def _held(runtime: Runtime) -> dict[str, object]:
    answers = []
    for what in WHATS:
        request = CompleteRequest(Cue({"what": what}), config=CompletionConfig(ca1_threshold=0.0))
        told = await complete(runtime, SCOPE, request)
        answers.append([told.fields, told.completion_confidence, told.abstained])
    listed = (await list_episodes(runtime, SCOPE, limit=1000)).items
    rows = runtime.memories.at(SCOPE)
    return {
        "revision": rows.revision,
        "rows": len(rows),
        "episodes": [[each.document.decode(), rows.row(each.episode_id)] for each in listed],
        "answers": answers,
    }


async def main(url: str, folder: Path) -> None:
    """Answer line by line until stdin ends."""
    memory.JOURNAL_PAGE = PAGE
    opened = open_store(url)
    opened.open()
    store: Any = StoppingStore(opened)
    runtime = Runtime(Settings(data=folder), store, Memories(store))
    for line in sys.stdin:
        store.pages_left = int(line)
        os.write(1, await held(runtime) + b"\n")
    await opened.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
