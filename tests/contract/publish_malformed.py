"""The malformed corpus as data: `python -m tests.contract.publish_malformed` writes tests/contract/malformed/.

The corpus is kept where it is tested, in tests/handlers/test_malformed.py, in
test_malformed_framing.py beside it and in tests/rpc/test_malformed.py. What is written here is the
same, for other implementations and tools.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.handlers.test_malformed import CASES, CURSORS, ENCODING, HEADERS, IMPORTS, NUMBERS, PATHS, SIZES, STRUCTURE
from tests.handlers.test_malformed_framing import FRAMES
from tests.rpc.test_malformed import CATEGORIES as CALLS

FOLDER = Path(__file__).parent / "malformed"
CATEGORIES = {
    "encoding": ENCODING, "numbers": NUMBERS, "structure": STRUCTURE, "sizes": SIZES,
    "headers": HEADERS, "paths": PATHS, "cursors": CURSORS, "imports": IMPORTS,
}  # fmt: skip
_RUN = re.compile(rb"(.{1,24}?)\1{40,}", re.DOTALL)


def requests() -> list[dict[str, Any]]:
    """Every malformed request with the status and the code that it gets."""
    assert sum(map(len, CATEGORIES.values())) == len(CASES)
    return [
        {
            "name": case.name,
            "category": category,
            "status": case.status,
            "code": case.code,
            "method": case.method,
            "target": case.target,
            "headers": [[name, _text(value)] for name, value in (*([case.host] if case.host else ()), *case.headers)],
            "body": pack(case.body if isinstance(case.body, bytes) else b"".join(case.body)),
            "is_chunked": not isinstance(case.body, bytes),
        }
        for category, cases in CATEGORIES.items()
        for case in cases
    ]


def frames() -> list[dict[str, Any]]:
    """Every malformed sequence of bytes on a connection with the status that it gets; two are sound, for comparison."""
    return [{"name": name, "status": status, "sent": pack(sent)} for name, sent, status in FRAMES]


def calls() -> list[dict[str, Any]]:
    """Every malformed call over gRPC with the code and the reason that it gets; its message is bytes, packed."""
    return [
        {
            "name": call.name,
            "category": category,
            "code": call.code,
            "reason": call.reason,
            "method": f"/recollect.v1.{call.method}",
            "metadata": [[name, _text(value)] for name, value in call.metadata],
            "sent": pack(call.sent),
        }
        for category, those in CALLS.items()
        for call in those
    ]


def files() -> dict[str, str]:
    """What is published, by the name of its file."""
    return {f"{rows.__name__}.jsonl": written(rows()) for rows in (requests, frames, calls)}


def pack(data: bytes) -> list[Any]:
    """Bytes as text, one character a byte (Latin-1); what is repeated often stands once, with its number."""
    parts: list[Any] = []
    end = 0
    for run in _RUN.finditer(data):
        if run.start() > end:
            parts.append(_text(data[end : run.start()]))
        parts.append([_text(run[1]), len(run[0]) // len(run[1])])
        end = run.end()
    if end < len(data):
        parts.append(_text(data[end:]))
    return parts


def unpack(parts: list[Any]) -> bytes:
    """The bytes that were packed."""
    return b"".join((part if isinstance(part, str) else part[0] * part[1]).encode("latin-1") for part in parts)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def written(rows: list[dict[str, Any]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")
