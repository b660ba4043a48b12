"""A space at one revision in a file that needs no store: what many machines answer from, each by itself.

The file is a snapshot that brings along what the space is and what it has learned. It is read only, and whoever reads
it, wherever and whenever, answers alike. It holds the episodes: keep it as you keep a backup.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from engine import Learned
from recollect.errors import InvalidRequest
from recollect.memory.encoders import SentenceModel
from recollect.memory.snapshot import MADE_BY, mapped, put_file, read_header
from recollect.memory.space import SpaceMemory
from recollect.model import Space


def freeze(memory: SpaceMemory, learned: bytes | None, path: Path, encoder: SentenceModel | None = None) -> None:
    """Write a memory with nothing left to erase, and the artifact it learned, into a file. Raises OSError."""
    facts, arrays = memory.pack()
    arrays["learned"] = np.frombuffer(learned or b"", dtype=np.uint8)
    header = {
        "made_by": _made_by(encoder),
        "space": msgspec.to_builtins(memory.space),
        "facts": facts,
        "learned": [len(learned or b""), memory.learned_revision],
    }
    put_file(path, header, arrays)


def thaw(path: Path, now_s: float, encoder: SentenceModel | None = None) -> SpaceMemory:
    """The memory in a file, without what has expired by `now_s`.

    Raises InvalidRequest where the file is none, is damaged, or was written by another release or sentence model.
    """
    try:
        with path.open("rb") as file:
            header = read_header(file)
            arrays = mapped(file, header)
            made_by, space = header["made_by"], msgspec.convert(header["space"], Space)
            size, revision = header["learned"]
    except (OSError, ValueError, KeyError) as fault:
        raise _unreadable(path, f"is no frozen space, or a damaged one ({fault})") from None
    if made_by != _made_by(encoder):
        raise _unreadable(path, "was frozen by another release, or with another sentence model; freeze it anew")
    memory = SpaceMemory.of(space, header["facts"], arrays, encoder)
    if size:
        memory.learn(Learned.from_bytes(arrays["learned"][:size].tobytes()), revision)
    memory.refresh(space, now_s)
    return memory


def _made_by(encoder: SentenceModel | None) -> list[object]:
    return [*MADE_BY, "" if encoder is None else encoder.digest]


def _unreadable(path: Path, what: str) -> InvalidRequest:
    return InvalidRequest(f"{path} {what}.", code="UNREADABLE_FILE")
