"""A table's blocks as writes: what holds for a whole column is checked once for its distinct values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import compress
from typing import Any

import orjson

from recollect.errors import InvalidRequest
from recollect.model import EpisodeInput, Fields, Rejection, Space
from recollect.service.admission import MAX_FIELDS, MAX_NAME_LENGTH, MAX_TEXT_LENGTH, admit, read_episode
from recollect.service.fieldtypes import is_time
from recollect.service.records import rejection
from recollect.service.runtime import Runtime
from recollect.store import EVERYTHING, PutEpisode
from recollect.tables import TableBlock
from recollect.tables.members import EPISODE_ID
from recollect.tables.reading import Cells

_SAMPLE = 1000  # stored episodes looked at for what their fields hold
_TEXT_SHARE = 0.95
_SAMPLED_EVERY = 50
_MOST_SPELLINGS = 100_000  # of one column that are kept

Admitted = tuple[list[PutEpisode], list[int], list[Rejection]]
Naming = Callable[[int], str]
_NEW = partial(PutEpisode, skip_equal=True)


class Spellings:
    """The cells of an import's columns as members of a document, each different one worked out once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, bytes]] = {}

    def members(self, name: str, cells: Cells) -> Iterator[bytes]:
        """Each cell as a member of a JSON object; no bytes where it says nothing."""
        known = self._known.setdefault(name, {})
        if len(known) > _MOST_SPELLINGS:
            known.clear()
        for text in cells.value_of.keys() - known.keys():
            value = cells.value_of[text]
            known[text] = b"" if value is None else orjson.dumps({name: value})[1:-1]
        return map(known.__getitem__, cells.texts)


def admit_block(block: TableBlock, name_record: Naming, dimensions: int | None, spellings: Spellings) -> Admitted:
    """The writes of a block with their lines, and the records that cannot be stored."""
    if block.members.keys() <= {"id"} and _is_sound(block):
        return _admit_sound(block, name_record, spellings)
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
    columns = [(name, cells.value_of, cells.texts) for name, cells in zip(block.names, block.columns, strict=True)]
    for place in (*range(min(count, len(block.lines))), *range(0, len(block.lines), _SAMPLED_EVERY)):
        known = ((name, value_of[texts[place]]) for name, value_of, texts in columns)
        yield {name: value for name, value in known if value is not None}


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
    for cells in block.columns:
        for value in cells.distinct():
            if isinstance(value, str):
                if len(value) > MAX_TEXT_LENGTH or "\0" in value:
                    return False
            elif isinstance(value, list):
                return False
    return True


def _admit_sound(block: TableBlock, name_record: Naming, spellings: Spellings) -> Admitted:
    lines = list(block.lines)
    rejections: list[Rejection] = []
    given = block.members["id"].values() if "id" in block.members else [None] * len(block.lines)
    columns = [spellings.members(name, cells) for name, cells in zip(block.names, block.columns, strict=True)]
    rows: Iterable[tuple[bytes, ...]] = zip(*columns, strict=True) if columns else [()] * len(block.lines)
    known = [b",".join(filter(None, row)) for row in rows]
    ids = [name_record(line) if own is None else str(own) for line, own in zip(block.lines, given, strict=True)]
    if not all(known) or not all(map(EPISODE_ID.fullmatch, ids)):
        sound = [bool(fields) and EPISODE_ID.fullmatch(own) is not None for fields, own in zip(known, ids, strict=True)]
        for line, own, fields, is_sound in zip(block.lines, ids, known, sound, strict=True):
            if not is_sound:
                rejections.append(_refuse(line, is_empty=not fields, episode_id=own))
        lines, ids, known = list(compress(lines, sound)), list(compress(ids, sound)), list(compress(known, sound))
    documents = [
        b'{"id":"%b","fields":{%b},"origin":"observed"}' % each
        for each in zip(map(str.encode, ids), known, strict=True)
    ]
    writes = list(map(_NEW, ids, documents))
    return writes, lines, rejections


def _refuse(line: int, *, is_empty: bool, episode_id: str) -> Rejection:
    """Why a record is refused, in the words of admission."""
    try:
        admit(EpisodeInput({} if is_empty else {"any": True}), episode_id, None, fields_at="")
    except InvalidRequest as error:
        return rejection(line, error)
    raise AssertionError("a record that can be stored")


def _records(block: TableBlock) -> Iterator[tuple[int, Mapping[str, Any], Fields]]:
    """Line, members and fields of each record."""
    values = [cells.values() for cells in block.columns]
    members_of = {name: cells.values() for name, cells in block.members.items()}
    for place, line in enumerate(block.lines):
        members: dict[str, Any] = {
            name: values[place] for name, values in members_of.items() if values[place] is not None
        }
        if "embedding" in members:
            members["embedding"] = _numbers(members["embedding"])
        cells = ((name, column[place]) for name, column in zip(block.names, values, strict=True))
        yield line, members, {name: value for name, value in cells if value is not None}


def _numbers(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # refused as what it is
