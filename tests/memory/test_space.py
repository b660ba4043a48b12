"""A space in RAM: what it follows, keeps and forgets, at the boundaries."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from recollect.memory import SpaceMemory
from recollect.model import Episode, Space
from recollect.store import Change

SPACE = Space("diary", 7, 0, "", "", incarnation="a")
WRITTEN_AT = "2025-12-01T00:00:00.000Z"
ENDS_AT, ENDS_AT_S = "2026-01-01T00:00:00Z", 1767225600.0


def episode(name: str, revision: int, what: str = "tea", **members: str) -> Episode:
    document = {"id": name, "fields": {"what": what}, "origin": "observed", "updated_at": WRITTEN_AT, **members}
    return Episode(name, revision, orjson.dumps(document))


def kept(memory: SpaceMemory) -> dict[str, object]:
    """What every episode of the evidence holds, by id."""
    memory.refresh(memory.space, 0.0)
    found = {name: memory.traces.fields(row)["what"] for row, name in enumerate(memory.ids)}
    assert all(memory.row(name) == row for row, name in enumerate(memory.ids))
    assert memory.traces.size == len(memory.ids) == len(memory)
    return found


def test_a_put_that_a_later_one_overtook_is_left_to_that_one() -> None:
    memory = SpaceMemory(SPACE)
    late = episode("one", 3, "coffee")
    memory.apply([Change(1, "put", "one", late), Change(2, "put", "two", episode("two", 2))])
    assert kept(memory) == {"two": "tea"}
    memory.apply([Change(3, "put", "one", late)])
    assert kept(memory) == {"two": "tea", "one": "coffee"}
    assert memory.revision == 3


@pytest.mark.parametrize("gone", [2, 70])
def test_few_and_many_that_go_leave_the_others_at_their_rows(gone: int) -> None:
    memory = SpaceMemory(SPACE)
    memory.put(*(episode(f"ep{n}", n + 1, f"value {n}") for n in range(100)))
    memory.apply([Change(101 + n, "delete", f"ep{n * 100 // gone}") for n in range(gone)])
    left = set(range(100)) - {n * 100 // gone for n in range(gone)}
    assert kept(memory) == {f"ep{n}": f"value {n}" for n in sorted(left)}


def test_what_expires_is_gone_from_that_very_moment_on() -> None:
    memory = SpaceMemory(SPACE)
    memory.put(episode("one", 1, expires_at=ENDS_AT), episode("two", 2))
    memory.refresh(SPACE, ENDS_AT_S - 1.0)
    assert list(memory.ids) == ["one", "two"]
    memory.refresh(SPACE, ENDS_AT_S)
    assert list(memory.ids) == ["two"]


def test_what_was_written_anew_does_not_expire_with_what_it_was() -> None:
    memory = SpaceMemory(SPACE)
    memory.put(episode("one", 1, expires_at=ENDS_AT))
    memory.put(episode("one", 2, "coffee"))
    memory.refresh(SPACE, ENDS_AT_S)
    assert kept(memory) == {"one": "coffee"}


def test_it_is_unchanged_since_the_revision_that_wrote_it_and_not_before() -> None:
    memory = SpaceMemory(SPACE)
    memory.put(episode("one", 5))
    assert [memory.is_unchanged("one", revision) for revision in (4, 5, 6)] == [False, True, True]
    assert not memory.is_unchanged("two", 9)


def test_it_is_of_one_life_of_a_space_and_of_one_reading_of_what_is_missing() -> None:
    memory = SpaceMemory(SPACE)
    assert memory.is_of(replace(SPACE, revision=9))
    assert not memory.is_of(replace(SPACE, uid=8))
    assert not memory.is_of(replace(SPACE, missing_values=("?",)))


def test_what_was_reconstructed_is_no_evidence() -> None:
    memory = SpaceMemory(SPACE)
    memory.put(episode("one", 1, origin="reconstructed"), episode("two", 2))
    assert kept(memory) == {"two": "tea"}
