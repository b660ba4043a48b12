"""Flat objects of a block as writes: what holds for all of the same members is checked once for each column.

An object that this cannot settle (another shape, a member of an episode, anything to be
refused) is left to be read by itself, and so is told of in the same words wherever it came from.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from recollect import strict_json
from recollect.model import Fields
from recollect.service.admission import INT64_MAX, INT64_MIN, MAX_FIELDS, MAX_NAME_LENGTH, MAX_TEXT_LENGTH
from recollect.store import PutEpisode
from recollect.tables.flat import FlatReader
from recollect.tables.members import EPISODE_ID

Object = dict[str, Any]
Settled = tuple[PutEpisode, Fields]


def settle(
    rows: Sequence[Any], first_line: int, start_line: int, flat: FlatReader, name_record: Callable[[int], str]
) -> list[Settled | None]:
    """Per row its write and its fields; None where it must be read by itself."""
    found: list[Settled | None] = [None] * len(rows)
    if not flat.is_plain:
        return found
    objects = strict_json.parse_lines(rows)
    alike: dict[tuple[str, ...], list[tuple[int, Object]]] = defaultdict(list)
    for line, each in enumerate(objects, first_line):
        if each and line >= start_line:
            alike[tuple(each)].append((line, each))
    for names, own in alike.items():
        for (line, _), settled in zip(own, _settle_alike(names, own, flat, name_record), strict=False):
            found[line - first_line] = settled
    return found


def _settle_alike(
    names: tuple[str, ...], objects: Sequence[tuple[int, Object]], flat: FlatReader, name_record: Callable[[int], str]
) -> list[Settled]:
    """The writes of objects with the same members in the same order; none where one of them is no plain one."""
    columns = list(zip(*(each.values() for _, each in objects), strict=True))
    if not _is_sound(names, columns):
        return []
    gaps = flat.find_gaps(names, columns)
    if gaps is None:
        return []
    settled: list[Settled] = []
    has_gaps, has_id = any(gaps.values()), "id" in names
    for line, each in objects:
        fields = {name: value for name, value in each.items() if value not in gaps[name]} if has_gaps else dict(each)
        episode_id = str(fields.pop("id")) if has_id else name_record(line)
        if not 1 <= len(fields) <= MAX_FIELDS or not EPISODE_ID.fullmatch(episode_id):
            return []
        try:
            document = b'{"id":"%b","fields":%b,"origin":"observed"}' % (episode_id.encode(), orjson.dumps(fields))
        except orjson.JSONEncodeError:  # a lone surrogate
            return []
        settled.append((PutEpisode(episode_id, document, skip_equal=True), fields))
    flat.count(names, columns, gaps)
    return settled


def _is_sound(names: tuple[str, ...], columns: Sequence[tuple[Any, ...]]) -> bool:
    """Whether every name and every value is one that can be stored."""
    return all(1 <= len(name) <= MAX_NAME_LENGTH and "\0" not in name for name in names) and all(
        map(_can_be_stored, columns)
    )


def _can_be_stored(column: tuple[Any, ...]) -> bool:
    for kind in set(map(type, column)):
        own = {value for value in column if type(value) is kind} if kind in _CHECKS else ()
        if kind not in _KINDS or not _CHECKS.get(kind, all)(own):
            return False
    return True


_KINDS = frozenset((str, int, float, bool, type(None)))
_CHECKS: dict[type, Callable[[Any], bool]] = {
    str: lambda texts: all(len(text) <= MAX_TEXT_LENGTH and "\0" not in text for text in texts),
    int: lambda numbers: min(numbers) >= INT64_MIN and max(numbers) <= INT64_MAX,
    float: lambda numbers: all(map(math.isfinite, numbers)),
}
