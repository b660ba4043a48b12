"""Values become codes without losing what they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.memory.columns import MISSING, Column
from engine.memory.values import parse_time


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
        column.keep(kept)
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
    column.keep(np.array([True] * 3 + [False] * 4))
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
