"""Raw results on disk, so that a run that was stopped goes on and a change of the engine starts anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "build" / "evaluation"


def digest(paths: Iterable[Path], *more: object) -> str:
    """A short digest of the content of files and of further values."""
    sha = hashlib.sha256(repr(more).encode())
    for path in sorted(paths):
        sha.update(path.read_bytes())
    return sha.hexdigest()[:12]


def engine_digest() -> str:
    """What the engine is, to the byte; a commit may not know of it yet."""
    return digest((ROOT / "engine").rglob("*.py"))


class Cache:
    """Results under one key: the engine's content and the settings of the run."""

    def __init__(self, key: str, *, reads: bool = True) -> None:
        self._folder, self._reads = FOLDER / key, reads

    def read(self, name: str, stamp: str) -> Json | None:
        """The result of this name, if it was made by the code that `stamp` stands for."""
        path = self._folder / f"{name}.json"
        if not self._reads or not path.exists():
            return None
        found: Json = json.loads(path.read_text(encoding="utf-8"))
        return found["result"] if found["stamp"] == stamp else None

    def write(self, name: str, stamp: str, result: Json) -> None:
        """Keep a result."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps({"stamp": stamp, "result": result}), encoding="utf-8")

    def read_bytes(self, name: str) -> bytes | None:
        """What was kept under this name."""
        path = self._folder / f"{name}.bin"
        return path.read_bytes() if self._reads and path.exists() else None

    def write_bytes(self, name: str, content: bytes) -> None:
        """Keep some bytes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.bin").write_bytes(content)
