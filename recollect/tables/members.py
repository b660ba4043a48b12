"""The columns that may mean a member of an episode rather than a field: one rule for all ways in.

A column called `origin` is where a flight departs until all of its cells are origins of
episodes. So nothing is lost: what cannot be the member is a field of that name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping

import orjson

from recollect.model import DateOrder, Origin
from recollect.tables.dates import read_moment

EPISODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
ORIGINS = frozenset(Origin)
_SHARE = 0.5  # of the cells must be able to be the member; the records of the others are refused by name


def is_member(name: str, fitting: int, known: int) -> bool:
    """Whether a column of that name means the member, by how many of its known cells can be it."""
    if name == "origin":
        return 0 < fitting == known
    return fitting > 0 and fitting >= _SHARE * known


def can_be_id(text: str) -> bool:
    """Whether the text can be an episode's id."""
    return EPISODE_ID.fullmatch(text) is not None


def can_be_moment(text: str) -> bool:
    """Whether the text is a date or a time in any order."""
    return any(read_moment(text, order) is not None for order in DateOrder)


def can_be_embedding(text: str) -> bool:
    """Whether the text is a JSON list of numbers."""
    try:
        numbers = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(numbers, list) and bool(numbers) and all(type(each) in {int, float} for each in numbers)


def can_be_base64(text: str) -> bool:
    """Whether the text is base64 of whole float32 numbers."""
    try:
        return len(base64.b64decode(text, validate=True)) % 4 == 0
    except (binascii.Error, ValueError):
        return False


MEMBERS: Mapping[str, Callable[[str], bool]] = {
    "id": can_be_id,
    "occurred_at": can_be_moment,
    "expires_at": can_be_moment,
    "origin": ORIGINS.__contains__,
    "embedding": can_be_embedding,
    "embedding_b64": can_be_base64,
}
MOMENTS = ("occurred_at", "expires_at")
