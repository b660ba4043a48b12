"""Files that are no tables: told by what they hold, named by how they begin.

A table is text. A file whose characters no text has, in its first line or in many places,
is refused as a whole, whatever it begins with; a few bad cells in a table are not, their
records are. How a file begins only names it, save for texts that are never tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection

from recollect.errors import InvalidRequest, Violation

_HEAD_BYTES = 1024
_MOST_STRANGE = 0.02  # of the characters; compressed data and programs have five times as many
_FEW = 5  # stray characters say nothing of a short table
_BLANK = frozenset("\t\n\r\v\f\x1a\x85")  # controls that texts have: blanks, line ends, the end of a file under DOS
_NONE = frozenset(("Cn", "Cs"))  # code points that are no characters, halves of pairs
_BEGINNINGS = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a bitmap image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\0asm", "a program"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (257, b"ustar", "a tar archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"Obj\x01", "an Avro file"),
    (0, b"ORC", "an ORC file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"$FL2", "an SPSS file"),
    (0, b"RIFF", "a sound or a film"),
    (0, b"OggS", "a sound or a film"),
    (0, b"ID3", "a sound"),
    (4, b"ftyp", "a film"),
)
# These are text, or may begin with much of it, and no table begins so.
_NEVER_TABLES = (
    (b"%pdf-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
)
_MARKUP = re.compile(rb"<(?:[a-z][a-z0-9:_-]*)(?:\s[^>]*)?/?>")


def refuse_document(head: bytes) -> None:
    """Raise InvalidRequest (UNREADABLE_FILE) for what begins as a document that is never a table."""
    begin = head[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for beginning, name in _NEVER_TABLES:
        if begin.startswith(beginning):
            raise no_table(name)
    if _MARKUP.match(begin):
        raise no_table("an HTML or XML document")


def refuse_binary(text: str, head: bytes, allowed: Collection[str] = ()) -> None:
    """Raise InvalidRequest (UNREADABLE_FILE) where the beginning of a file, decoded, is no text.

    `allowed` characters are as good as any: a delimiter that somebody named, MARK where somebody named the encoding,
    so that each record that it does not fit is refused by itself.
    """
    strange = sum(count for each, count in Counter(text).items() if _is_strange(each) and each not in allowed)
    if not strange:
        return
    first_line = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    holds_control = any(_is_control(each) and each not in allowed for each in first_line)
    if holds_control or strange > max(_FEW, _MOST_STRANGE * len(text)):
        raise no_table(_name(head))


def no_table(name: str) -> InvalidRequest:
    """The refusal of a file that holds no table."""
    return InvalidRequest(
        f"The file is {name} and no table. Tables are read from CSV and its kin, spreadsheets, JSON, JSON lines, "
        "Parquet and Arrow, also packed.",
        code="UNREADABLE_FILE",
        violations=(Violation("", "NO_TABLE", "a table", name),),
    )


def _is_strange(character: str) -> bool:
    return _is_control(character) or unicodedata.category(character) in _NONE


def _is_control(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character) == "Cc"


def _name(head: bytes) -> str:
    found = (name for place, beginning, name in _BEGINNINGS if head.startswith(beginning, place))
    return next(found, "binary data")
