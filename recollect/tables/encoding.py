"""Which encoding a text file is in: a byte order mark, UTF-8 where it holds, else the likeliest.

Every line of the file has its say: a table whose first accent stands in its last row
is not taken for UTF-8. Bytes that the encoding cannot hold become MARK, so that the
record with them can be named instead of guessed.
"""

from __future__ import annotations

import codecs
import io
import warnings
from typing import BinaryIO

import chardet

MARK = "\udcff"  # in no text that can be stored
_ERRORS = "recollect.mark"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDTHS = {"utf-16": 2, "utf-32": 4}
# What tables are exported in besides UTF-8, by the detector's names.
_LEGACY = tuple(
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp932 gb18030 big5 cp949 koi8_r mac_roman cp850".split()  # noqa: SIM905
)
_COMMONEST = "cp1252"
_ODDS = 1.5  # another encoding must be so much likelier than the commonest: a few accents look alike in many
_LEAST_CONFIDENCE = 0.005  # below it the detector has nothing to go by
_SAMPLE_BYTES = 64 * 1024  # of the lines that say something: those that are not ASCII
_WINDOW_BYTES = 1024 * 1024
_SOUND_PER_BROKEN = 10  # so many sound lines outweigh a broken one: UTF-8 with some damage


def detect_encoding(content: BinaryIO) -> str:
    """The encoding's name; `content` is read from its start."""
    content.seek(0)
    head = content.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) * 4 > len(head):  # text has no NUL but in wide characters
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    sound, broken, sample = _weigh_lines(content)
    if not broken or sound >= _SOUND_PER_BROKEN * broken:
        return "utf-8"
    return _guess(sample)


def settle_encoding(told: str | None, content: BinaryIO) -> str:
    """The encoding that somebody told, with the order of its bytes where no mark tells it, or the one found out."""
    width = _WIDTHS.get(told or "")
    if told is None or width is None:
        return told or detect_encoding(content)
    content.seek(0)
    head = content.read(4096)
    if any(name == told and head.startswith(mark) for mark, name in _MARKS):
        return told
    is_big = head[::width].count(0) > head[width - 1 :: width].count(0)
    return f"{told}-be" if is_big else f"{told}-le"


def is_text_encoding(name: str) -> bool:
    """Whether bytes can be read as text in it; some of Python's codecs have other uses."""
    try:
        probe = io.TextIOWrapper(io.BytesIO(b"" if name in _WIDTHS else b"a,b\n\xff"), name, errors=mark_undecodable())
        probe.read()
    except (LookupError, ValueError):
        return False
    return True


def mark_undecodable() -> str:
    """The error handler that puts MARK where bytes cannot be decoded."""
    codecs.register_error(_ERRORS, _mark)
    return _ERRORS


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return MARK, error.end


def _weigh_lines(content: BinaryIO) -> tuple[int, int, bytes]:
    """How many lines are UTF-8 beyond ASCII, how many are not UTF-8, and a sample of both."""
    content.seek(0)
    sound = broken = 0
    sample = bytearray()
    while window := content.read(_WINDOW_BYTES):
        window += content.readline(_WINDOW_BYTES)
        if window.isascii():
            continue
        for line in window.split(b"\n"):
            if line.isascii():
                continue
            if len(sample) < _SAMPLE_BYTES:
                sample += line[:4096] + b"\n"
            try:
                line.decode()
                sound += 1
            except UnicodeDecodeError:
                broken += 1
    return sound, broken, bytes(sample)


def _guess(sample: bytes) -> str:
    """The likeliest of the encodings that are no Unicode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the detector's default, which we do not use
        found = chardet.detect_all(sample, include_encodings=_LEGACY, ignore_threshold=True)
    likely = {codecs.lookup(each["encoding"]).name: each["confidence"] for each in found if each["encoding"]}
    best = max(likely, key=likely.__getitem__, default=_COMMONEST)
    needed = max(_ODDS * likely.get(_COMMONEST, 0.0), _LEAST_CONFIDENCE)
    return best if likely.get(best, 0.0) >= needed else _COMMONEST
