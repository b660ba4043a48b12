"""Values become codes without losing what they are."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.memory.columns import MISSING, Column
from engine.memory.values import Value, parse_time


def filled(*values: object) -> Column:
    column = Column("field")
    for value in values:
        column.append(value)  # type: ignore[arg-type]
    return column


def test_equal_numbers_share_a_code_and_other_types_never_do() -> None:
    column = filled(3, 3.0, True, "3", [3], [3.0], "true")
    assert column.codes.tolist() == [0, 0, 1, 2, 3, 3, 4]
    assert [type(v) for v in column.values] == [int, bool, str, list, str]


def test_a_value_shows_as_the_first_of_its_episodes_has_it_whatever_was_erased() -> None:
    spelt = [3.0, 3, " 3 ", "3", 3.0, "2026-03-01T09:00:00+01:00", "2026-03-01T08:00Z"]
    for erased in range(1 << len(spelt)):
        kept = np.array([not erased >> row & 1 for row in range(len(spelt))])
        column, fresh = filled(*spelt), filled(*(v for v, keep in zip(spelt, kept, strict=True) if keep))
        column.remove(np.flatnonzero(~kept).tolist())
        assert list(map(repr, column.values)) == list(map(repr, fresh.values))
        assert column.codes.tolist() == fresh.codes.tolist()
        assert column._otherwise == fresh._otherwise


def test_equal_values_share_a_code_and_are_counted() -> None:
    column = filled("a", "b", "a", None, "a")
    assert column.codes.tolist() == [0, 1, 0, MISSING, 0]
    assert column.counts.tolist() == [3, 1]
    assert column.present == 4


def test_dropping_rows_restores_every_count() -> None:
    column, before = filled("a", 1, "b"), filled("a", 1, "b")
    for value in ("a", "z", 7, None):
        column.append(value)
    column.remove([3, 4, 5, 6])
    assert column.codes.tolist() == before.codes.tolist()
    assert (column.present, column.distinct, column.kind) == (before.present, before.distinct, before.kind)
    for value in ("a", "z", 7):
        assert column.background(column.find(value)) == before.background(before.find(value))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((1, 2.5, 3), "number"),
        ((True, False), "boolean"),
        (("2024-01-02", "2024-01-03T10:00:00Z"), "time"),
        ((["a"], ["b", "c"]), "list"),
        (("red", "green", "red"), "category"),
        (tuple(f"we walked along the river for {n} hours and talked" for n in range(9)), "text"),
    ],
)
def test_a_fields_kind_is_learned_from_its_values(values: tuple[object, ...], kind: str) -> None:
    assert filled(*values).kind == kind


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "2024-01-02T25:00:00Z", "12:00", ""])
def test_what_is_no_iso_time_has_no_place(text: str) -> None:
    assert math.isnan(parse_time(text))


def test_a_time_with_an_offset_lies_where_utc_has_it() -> None:
    assert parse_time("1970-01-01T01:00:00+01:00") == 0.0
    assert parse_time("1970-01-02") == 86400.0


def packed_and_read(column: Column) -> Column:
    """The column as a file would give it back."""
    facts, arrays = column.pack()
    return Column.of(json.loads(json.dumps(facts)), {name: each.copy() for name, each in arrays.items()}, None)


VALUES: list[Value | None] = [
    *(None, "a b", "a c d", "2026-01-02", 3, 3.0, True, " b ", ["a", "b"], ["b"], "ab ac", "b", 0.0, -0.0),
    *("2026-03-01T08:00Z", "2026-03-01T09:00+01:00"),
]


def state(column: Column) -> object:
    """All that an answer can depend on."""
    indexes = {unit: column.postings(unit) for unit in ("word", "trigram", "element")}
    return (
        column.values.__repr__(),
        sorted(column._otherwise.items()).__repr__(),
        column.codes.tolist(),
        column.counts.tolist(),
        column.numbers.tolist().__repr__(),
        (column.present, column.kind, column.size),
        [column.find(value) for value in VALUES if value is not None],
        {unit: {item: index.codes(item).tolist() for item in index.items()} for unit, index in indexes.items()},
        {unit: index.sizes.tolist() for unit, index in indexes.items()},
        [column.postings("trigram").overlap(["a b", "b\x03"]).tolist()],
        sorted(str(word) for word in column.spelling().values),
    )


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.lists(st.sampled_from(VALUES), min_size=1, max_size=9)),
            st.tuples(st.just("erase"), st.sets(st.integers(0, 30), min_size=1, max_size=5)),
            st.tuples(st.just("look"), st.none()),
            st.tuples(st.just("pack"), st.none()),
        ),
        max_size=14,
    ),
    st.sampled_from([2, 64]),
    st.sampled_from([0, 4096]),
)
@example(
    [
        ("put", [None, "a b", "a c d"]),
        ("pack", None),
        ("erase", {1}),
        ("look", None),
        ("put", ["a b"]),
    ],  # b comes again
    *(2, 0),
)
@settings(max_examples=300, deadline=None)
def test_what_was_erased_leaves_no_bit_behind(steps: list[Any], few: int, many: int) -> None:
    column, rows = Column("what"), list[Value | None]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.memory.columns.MANY", many)  # more are indexed at once
        patch.setattr("engine.memory.columns.FEW_DROPPED", few)  # fewer are erased one by one, more in bulk
        for step, what in steps:
            if step == "put":
                column.extend(what)
                rows += what
            elif step == "erase":
                gone = sorted(row for row in what if row < len(rows))
                column.remove(gone)
                rows = [value for row, value in enumerate(rows) if row not in gone]
            elif step == "pack":
                column = packed_and_read(column)
            else:
                state(column)
        cold = Column("what")
        for value in rows:
            cold.append(value)
        assert state(column) == state(cold)
        assert state(column.copy()) == state(cold)
