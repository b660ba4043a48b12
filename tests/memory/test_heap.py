"""What reading a space took beside the space itself goes back to the system."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from recollect.model import SpaceDraft
from recollect.store import PutEpisode
from recollect.store.sqlite import SQLiteStore

READING = """
import sys
from pathlib import Path

from recollect.memory import Memories
from recollect.memory.heap import give_back
from recollect.model import Scope
from recollect.store.sqlite import SQLiteStore


def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


store = SQLiteStore(Path(sys.argv[1]))
store.open()
memories = Memories(store)
memories.at(Scope("small"))
give_back()
before = held()
memories.at(Scope("large"))
after = held()
give_back()
print(after - before, held() - before)
"""


async def _store_spaces(file: Path) -> None:
    store = SQLiteStore(file)
    store.open()
    for name, size in (("small", 10), ("large", 20_000)):
        space, _ = await store.put_space(name, SpaceDraft())
        fields = ({"person": f"person {n % 700}", "day": n % 3000, "note": f"note {n}"} for n in range(size))
        documents = (orjson.dumps({"fields": each, "origin": "observed"}) for each in fields)
        await store.commit(space.uid, [PutEpisode(f"ep_{n}", each) for n, each in enumerate(documents)])
    await store.close()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps what is freed")
def test_what_reading_a_space_took_beside_it_is_given_back(tmp_path: Path) -> None:
    file = tmp_path / "recollect.db"
    asyncio.run(_store_spaces(file))
    told = subprocess.run([sys.executable, "-c", READING, str(file)], check=True, capture_output=True, text=True).stdout
    held, least = map(int, told.split())
    assert held <= 1.25 * least
