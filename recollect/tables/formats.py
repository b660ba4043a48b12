"""What kind of file it is, told by its first bytes and not by its name, and what is packed inside.

Text tables (CSV and its kin, spreadsheets) hold spellings, which `table` types by column.
Files with types of their own (JSON, JSON lines, Parquet, Arrow) give objects as they are.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import re
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, BinaryIO, Self, cast

import orjson

from recollect.errors import InvalidRequest, TooLarge, Violation
from recollect.tables.documents import records_of
from recollect.tables.foreign import no_table

IN_MEMORY_BYTES = 16 * 1024 * 1024
_COPY_BYTES = 1024 * 1024
_HEAD_BYTES = 4096
_LONGEST_LINE = 1024 * 1024
_JSON = re.compile(rb'\{\s*["}]|\[\s*(?:[\[{\]"0-9-]|true|false|null)')  # [Date] may be the name of a column


class Format(StrEnum):
    """The kinds of files that are read."""

    CSV = "csv"
    EXCEL = "excel"
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class File:
    """A file as it can be read: unpacked, its kind known. Closing it gives back what it was unpacked to."""

    content: BinaryIO
    format: Format
    compression: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.content.close()


def open_file(content: BinaryIO, *, max_bytes: int, is_text_table: bool = False) -> File:
    """The file behind any compression; raises InvalidRequest or TooLarge. `is_text_table`: it is not taken for JSON."""
    compression = _compression(content)
    if compression:
        content = _unpack(content, compression, max_bytes)
    return File(content, _format(content, is_text_table=is_text_table), compression)


def spool(folder: str | None = None) -> BinaryIO:
    """A file of our own without a name: in memory while it is small, gone once it is closed."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=folder))


def library(name: str, what: str) -> Any:
    """A library that not every installation has; raises InvalidRequest (FORMAT_UNAVAILABLE) with the way out."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InvalidRequest(
            f"Reading {what} takes the library {name}, which this server has not: pip install 'recollect[files]'.",
            code="UNREADABLE_FILE",
            violations=(Violation("", "FORMAT_UNAVAILABLE", "a format that this server reads", what),),
        ) from None


def unreadable(what: str) -> InvalidRequest:
    """The refusal of a file that is not what its first bytes say."""
    return InvalidRequest(
        f"The file begins as {what} does and cannot be read as one.",
        code="UNREADABLE_FILE",
        violations=(Violation("", "UNREADABLE_FILE", what, "another or a damaged file"),),
    )


def _head(content: BinaryIO, length: int = _HEAD_BYTES) -> bytes:
    content.seek(0)
    return content.read(length)


def _compression(content: BinaryIO) -> str:
    head = _head(content)
    for name, magic in _MAGIC.items():
        if head.startswith(magic):
            return "" if name == "zip" and _is_spreadsheet(content) else name
    return ""


def _is_spreadsheet(content: BinaryIO) -> bool:
    """Whether a zip is an xlsx, xlsb or ods."""
    try:
        with zipfile.ZipFile(content) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return True  # the reader of spreadsheets says what is wrong
    if {"[Content_Types].xml", "mimetype"}.isdisjoint(names):
        return False
    if any(name.startswith(("word/", "ppt/", "META-INF/container")) for name in names):
        raise no_table("a text document")
    return True


def _open_zip(content: BinaryIO) -> IO[bytes]:
    archive = zipfile.ZipFile(content)
    names = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    if len(names) != 1:
        raise InvalidRequest(
            f"The archive holds {len(names)} files; one at a time can be imported.",
            code="UNREADABLE_FILE",
            context={"files": len(names)},
            violations=(Violation("", "UNREADABLE_FILE", "an archive of one file", f"{len(names)} files"),),
        )
    return archive.open(names[0])


def _open_zstd(content: BinaryIO) -> IO[bytes]:
    # In the standard library from 3.14 on; before that its backport.
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return cast("IO[bytes]", library(module, "a zst file").ZstdFile(content))


_MAGIC = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zip": b"PK\x03\x04",
}
_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda content: gzip.GzipFile(fileobj=content, mode="rb"),
    "zstd": _open_zstd,
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zip": _open_zip,
}


def _unpack(content: BinaryIO, compression: str, max_bytes: int) -> BinaryIO:
    """The unpacked content in a file of our own; never more than `max_bytes` of it."""
    content.seek(0)
    unpacked = spool()
    try:
        with _OPENERS[compression](content) as packed:
            _copy(packed, unpacked, max_bytes)
    except Exception as fault:
        unpacked.close()
        if isinstance(fault, _DAMAGE) or type(fault).__name__ == "ZstdError":
            raise unreadable(f"a {compression} file") from None
        raise
    return unpacked


_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def _copy(packed: IO[bytes], unpacked: BinaryIO, max_bytes: int) -> None:
    size = 0
    while chunk := packed.read(_COPY_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(
                f"The unpacked file exceeds the limit of {max_bytes} bytes.", context={"limit_bytes": max_bytes}
            )
        unpacked.write(chunk)


def _format(content: BinaryIO, *, is_text_table: bool) -> Format:
    head = _head(content)
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    if head.startswith((b"ARROW1", b"FEA1")):
        return Format.ARROW
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return Format.EXCEL
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if is_text_table or not _JSON.match(begin):
        return Format.CSV
    return Format.NDJSON if begin[:1] == b"{" and _is_object_per_line(content) else Format.JSON


def _is_object_per_line(content: BinaryIO) -> bool:
    """Whether the first line is an object by itself, and not a whole document with its items."""
    content.seek(0)
    line = content.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf")
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return len(line) == _LONGEST_LINE
    return bool(content.readline(_LONGEST_LINE).strip()) or records_of(row) == [row]
