"""Files that come in by standard input and go out by standard output, named `-` on the command line."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

DASH = Path("-")


def received(file: Path) -> Path:
    """The file itself, or where what came in by standard input lies until the command ends."""
    if file != DASH:
        return file
    folder = make_folder()
    kept = folder / "stdin"
    with kept.open("wb") as content:
        shutil.copyfileobj(sys.stdin.buffer, content)
    with kept.open("rb") as content:
        is_workbook = content.read(4) == b"PK\x03\x04" and b"[Content_Types].xml" in content.read(4096)
    return kept.rename(folder / "stdin.xlsx") if is_workbook else kept


def send(written: Path) -> None:
    """Put a file that was written to standard output."""
    with written.open("rb") as content:
        shutil.copyfileobj(content, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def make_folder() -> Path:
    """A folder that is gone when the command ends."""
    folder = Path(tempfile.mkdtemp(prefix="recollect-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
