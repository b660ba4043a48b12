"""The names of a table's columns: blanks off, every name once, none missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.errors import InvalidRequest, Violation

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
MAX_COLUMNS = 1024
_MAX_NAME = 120  # a questionnaire's question makes a long name; what is added keeps names apart within 128


@dataclass(frozen=True, slots=True)
class Header:
    """`names` are unique; `is_named` tells those of the table from those made up here."""

    names: tuple[str, ...]
    is_named: tuple[bool, ...]


def read_header(cells: Sequence[str]) -> Header:
    """The header that the first record is; raises InvalidRequest (CSV_HEADER) where it can be none."""
    given = [clean(cell)[:_MAX_NAME].rstrip() for cell in cells]
    if not any(given):
        raise bad_header("a header line", "nothing")
    if len(given) > MAX_COLUMNS:
        raise bad_header(f"at most {MAX_COLUMNS} columns", f"{len(given)}")
    return Header(_unique(given), tuple(map(bool, given)))


def name_columns(width: int) -> Header:
    """The names of the columns of a table without a header: their places."""
    if width > MAX_COLUMNS:
        raise bad_header(f"at most {MAX_COLUMNS} columns", f"{width}")
    return Header(_unique([""] * width), (False,) * width)


def clean(text: str) -> str:
    """A text without outer blanks and without characters that nobody sees."""
    return text.strip().strip(_INVISIBLE).strip()


def bad_header(expected: str, actual: str) -> InvalidRequest:
    """The refusal of a table whose columns have no names."""
    return InvalidRequest(
        f"The table's first line is not a usable header: expected {expected}, found {actual}.",
        code="CSV_HEADER",
        violations=(Violation("", "CSV_HEADER", expected, actual),),
    )


def _unique(given: Sequence[str]) -> tuple[str, ...]:
    """A nameless column is called by its place, a name that is taken gets a number."""
    taken: set[str] = set(given)
    seen: set[str] = set()
    names = []
    for place, text in enumerate(given, 1):
        name = text or f"column_{place}"
        number = 2
        while name in seen or (name != text and name in taken):
            name = f"{text or f'column_{place}'}_{number}"
            number += 1
        seen.add(name)
        names.append(name)
    return tuple(names)
