"""Files with types of their own, as objects in JSON's types: a JSON document, Parquet, Arrow and Feather."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from recollect import strict_json
from recollect.errors import InvalidRequest, TooLarge, Violation
from recollect.tables.documents import records_of
from recollect.tables.formats import File, Format, library, unreadable

MAX_DOCUMENT_BYTES = 256 * 1024 * 1024  # a JSON document is held whole; lines and columns are not
_BATCH_ROWS = 1000
_PANDAS_INDEX = "__index_level_"


def read_objects(file: File) -> Iterator[Any]:
    """The rows of a JSON, Parquet or Arrow file, in order."""
    if file.format is Format.JSON:
        return iter(_items(file.content))
    batches = _parquet(file.content) if file.format is Format.PARQUET else _arrow(file.content)
    return rows_of(batches)


def _items(content: BinaryIO) -> list[Any]:
    """An array, an object with `items`, or a single object."""
    content.seek(0)
    text = content.read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"The JSON document exceeds {MAX_DOCUMENT_BYTES} bytes: send it as JSON lines, one object a line.",
            context={"limit_bytes": MAX_DOCUMENT_BYTES},
        )
    items = records_of(strict_json.parse(text.removeprefix(b"\xef\xbb\xbf")))
    if not isinstance(items, list):
        violation = Violation("", "TYPE", "an array of episodes, or an object with `items`", "something else")
        raise InvalidRequest(
            "The JSON document is no list of episodes.", code="UNREADABLE_FILE", violations=(violation,)
        )
    return items


def _parquet(content: BinaryIO) -> Iterator[Any]:
    parquet = library("pyarrow.parquet", "a Parquet file")
    arrow = library("pyarrow", "a Parquet file")
    content.seek(0)
    try:
        yield from parquet.ParquetFile(content).iter_batches(_BATCH_ROWS)
    except (arrow.ArrowException, OSError):
        raise unreadable("a Parquet file") from None


def _arrow(content: BinaryIO) -> Iterator[Any]:
    arrow = library("pyarrow", "an Arrow file")
    feather = library("pyarrow.feather", "an Arrow file")
    content.seek(0)
    try:
        yield from feather.read_table(content).to_batches(_BATCH_ROWS)
    except (arrow.ArrowException, OSError):
        raise unreadable("an Arrow file") from None


def rows_of(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The rows of Arrow's batches."""
    for batch in batches:
        for row in batch.to_pylist():
            yield {name: _plain(value) for name, value in row.items() if not name.startswith(_PANDAS_INDEX)}


def _plain(value: Any) -> Any:
    """The value in JSON's types; what has none stays as it is, for its record to be refused by name."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return next((spell(value) for kind, spell in _SPELLINGS if isinstance(value, kind)), value)


def _moment(value: datetime) -> str:
    return value.date().isoformat() if value.time() == time() and value.tzinfo is None else value.isoformat()


# In the order tried: a datetime is a date, too. NaN is how data frames say that nothing is known.
_SPELLINGS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (float, lambda value: None if math.isnan(value) else value),
    (datetime, _moment),
    (date, lambda value: value.isoformat()),
    (time, lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    (Decimal, lambda value: int(value) if value == value.to_integral_value() else float(value)),
    (bytes, lambda value: base64.b64encode(value).decode("ascii")),
)
