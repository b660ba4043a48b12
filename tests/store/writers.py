"""A process that writes as 64 clients and tells on stdout what was acknowledged, until it is killed.

Run as `python -m tests.store.writers <database> <space> <name of this writer>`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

import orjson

from recollect.store import Idempotency, PutEpisode
from recollect.store.sqlite import SQLiteStore

CLIENTS = 64


async def main(path: Path, space_id: str, writer: str) -> None:
    """Write for ever. A pair of episodes per commit shows whether one can be torn."""
    store = SQLiteStore(path)
    store.open()
    space = store.get_space(space_id)
    assert space is not None

    async def client(number: int) -> None:
        for n in count():
            name = f"{writer}-{number}-{n}"
            writes = [
                PutEpisode(f"{name}-{half}", orjson.dumps({"id": f"{name}-{half}", "fields": {"half": half}}))
                for half in ("a", "b")
            ]
            await store.commit(space.uid, writes, idempotency=Idempotency(name, b"d"))
            os.write(1, f"{name}\n".encode())  # one system call: a line is whole or absent

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
