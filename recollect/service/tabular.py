"""A table's blocks as writes: what holds for a whole column is checked once for its distinct values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from recollect.errors import InvalidRequest
from recollect.model import EpisodeInput, Fields, Origin, Rejection, Space
from recollect.service.admission import MAX_FIELDS, MAX_NAME_LENGTH, MAX_TEXT_LENGTH, admit, read_episode
from recollect.service.fieldtypes import is_time
from recollect.service.records import rejection
from recollect.service.runtime import Runtime
from recollect.store import EVERYTHING, PutEpisode
from recollect.tables import TableBlock
from recollect.tables.members import EPISODE_ID

_SAMPLE = 1000  # stored episodes looked at for what their fields hold
_TEXT_SHARE = 0.95

Admitted = tuple[list[PutEpisode], list[int], list[Rejection]]
Naming = Callable[[int], str]


def admit_block(block: TableBlock, name_record: Naming, dimensions: int | None) -> Admitted:
    """The writes of a block with their lines, and the records that cannot be stored."""
    if block.members.keys() <= {"id"} and _is_sound(block):
        return _admit_sound(block, name_record)
    writes: list[PutEpisode] = []
    lines: list[int] = []
    rejections: list[Rejection] = []
    for line, members, fields in _records(block):
        try:
            episode = read_episode({**members, "fields": fields})
            write = admit(episode, episode.episode_id or name_record(line), dimensions, fields_at="", skip_equal=True)
        except InvalidRequest as error:
            rejections.append(rejection(line, error))
            continue
        if write.embedding is not None and dimensions is None:
            dimensions = len(write.embedding) // 4
        writes.append(write)
        lines.append(line)
    return writes, lines, rejections


def sample_fields(block: TableBlock, count: int) -> Iterator[Fields]:
    """The fields of a block's first records, and of some of the others."""
    for place, (_, _, fields) in enumerate(_records(block)):
        if place < count or place % 50 == 0:
            yield fields


def known_texts(runtime: Runtime, space: Space) -> frozenset[str]:
    """The fields that hold texts in the space by now: a file of zip codes without leading zeros joins them as texts."""
    texts: Counter[str] = Counter()
    known: Counter[str] = Counter()
    if not runtime.store.count_episodes(space.uid):
        return frozenset()
    page = runtime.store.page_episodes(space.uid, EVERYTHING, after=0, until_revision=space.revision, limit=_SAMPLE)
    for episode in page.items:
        for name, value in orjson.loads(episode.document)["fields"].items():
            known[name] += 1
            texts[name] += isinstance(value, str) and not is_time(value)
    return frozenset(name for name, count in known.items() if texts[name] >= _TEXT_SHARE * count)


def _is_sound(block: TableBlock) -> bool:
    """Whether every value and every name can be stored: then only ids and empty records are left to check."""
    if len(block.names) > MAX_FIELDS or not all(1 <= len(name) <= MAX_NAME_LENGTH for name in block.names):
        return False
    for values in block.distinct:
        for value in values:
            if isinstance(value, str):
                if len(value) > MAX_TEXT_LENGTH or "\0" in value:
                    return False
            elif isinstance(value, list):
                return False
    return True


def _admit_sound(block: TableBlock, name_record: Naming) -> Admitted:
    writes: list[PutEpisode] = []
    lines: list[int] = []
    rejections: list[Rejection] = []
    names, origin = block.names, Origin.OBSERVED.value
    ids: Any = block.members.get("id") or [None] * len(block.lines)
    rows: Any = zip(*block.values, strict=True) if block.values else [()] * len(block.lines)
    for line, given, row in zip(block.lines, ids, rows, strict=True):
        fields = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        episode_id = name_record(line) if given is None else given
        if not fields or not EPISODE_ID.fullmatch(episode_id):
            rejections.append(_refuse(line, fields, episode_id))
            continue
        document = orjson.dumps({"id": episode_id, "fields": fields, "origin": origin})
        writes.append(PutEpisode(episode_id, document, skip_equal=True))
        lines.append(line)
    return writes, lines, rejections


def _refuse(line: int, fields: Fields, episode_id: str) -> Rejection:
    """Why a record is refused, in the words of admission."""
    try:
        admit(EpisodeInput(fields), episode_id, None, fields_at="")
    except InvalidRequest as error:
        return rejection(line, error)
    raise AssertionError("a record that can be stored")


def _records(block: TableBlock) -> Iterator[tuple[int, Mapping[str, Any], Fields]]:
    """Line, members and fields of each record."""
    for place, line in enumerate(block.lines):
        members: dict[str, Any] = {
            name: values[place] for name, values in block.members.items() if values[place] is not None
        }
        if "embedding" in members:
            members["embedding"] = _numbers(members["embedding"])
        cells = ((name, values[place]) for name, values in zip(block.names, block.values, strict=True))
        yield line, members, {name: value for name, value in cells if value is not None}


def _numbers(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # refused as what it is
