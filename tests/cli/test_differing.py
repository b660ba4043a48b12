"""Two tables or spaces are compared by what their values are, not by how they are spelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recollect.cli.differing import EXIT_DIFFERENT
from recollect.service.differences import Difference, compare
from tests.cli.forking import Ran

Run = Callable[..., Ran]


def test_records_are_matched_by_keys_of_their_own() -> None:
    first = [("a", {"n": 2, "on": "2026-03-01T08:00:00Z"}), ("b", {"n": 3}), ("c", {"n": 4})]
    second = [("b", {"n": 5, "new": True}), ("a", {"n": 2.0, "on": "2026-03-01T09:00:00+01:00"}), ("d", {"n": 4})]
    found = compare(first, second)
    assert (found.is_keyed, found.same, found.changed) == (True, 1, 1)
    assert (found.only_first, found.only_second) == ((2,), (2,))
    assert found.differences == (Difference("b", "n", 3, 5), Difference("b", "new", None, True))
    assert (found.fields_only_first, found.fields_only_second) == ((), ("new",))
    assert found.changed_by_field == {"n": 1, "new": 1}


@pytest.mark.parametrize("keys", [(None, None, None), ("a", "a", "b"), ("a", None, "b")])
def test_without_keys_records_are_matched_by_all_that_they_say(keys: tuple[str | None, ...]) -> None:
    first = [(key, {"n": n}) for key, n in zip(keys, (1, 1, 2), strict=True)]
    found = compare(first, [("x", {"n": 1.0}), ("y", {"n": 3})])
    assert (found.is_keyed, found.same, found.changed) == (False, 1, 0)
    assert (found.only_first, found.only_second) == ((1, 2), (1,))


def test_nothing_is_the_same_as_nothing() -> None:
    found = compare([], [])
    assert (found.same, found.changed, found.only_first, found.only_second) == (0, 0, (), ())


def test_a_file_is_compared_with_the_space_that_it_filled(recollect: Run, tmp_path: Path) -> None:
    file, later = tmp_path / "people.csv", tmp_path / "later.csv"
    file.write_text("id,name,age\n1,Ann,30\n2,Bob,40\n")
    later.write_text("id;name;age;city\n1;Ann;30.0;Rome\n3;Cem;50;Oslo\n")
    assert recollect("import", str(file), "-s", "people", "--create").code == 0
    same = recollect("compare", str(file), "people")
    assert same.code == 0
    assert "the same in both" in same.out
    differs = recollect("compare", str(later), "people", "--json")
    assert differs.code == EXIT_DIFFERENT
    found = json.loads(differs.out)
    assert found["differences"] == [{"key": "1", "field": "city", "first": "Rome", "second": None}]
    assert (found["only_first"], found["only_second"], found["fields_only_first"]) == ([1], [1], ["city"])


def test_a_column_may_name_the_records(recollect: Run, tmp_path: Path) -> None:
    first, second, home = tmp_path / "first.csv", tmp_path / "second.jsonl", tmp_path / "differences.csv"
    first.write_text("order,n\nA,1\nB,\n")
    second.write_text('{"order": "B", "n": 2}\n{"order": "A", "n": 1}\n')
    done = recollect("compare", str(first), str(second), "--by", "order", "--out", str(home))
    assert done.code == EXIT_DIFFERENT
    assert home.read_text() == "record,field,first,second\nB,n,,2\n"
    for by, told in (("ordr", "it has order, n"), ("n", "cannot tell which are the same")):
        refused = recollect("compare", str(first), str(second), "--by", by)
        assert refused.code == 2
        assert told in refused.err
    assert recollect("compare", str(first), str(tmp_path / "none.csv")).code == 2
    assert recollect("compare", str(first), "nospace").code == 1
