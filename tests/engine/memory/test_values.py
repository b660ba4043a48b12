"""Which values are the same, and how they read."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from engine.memory.values import Missing, canonical, folded, identity, is_day, number_of, parse_time

SAME = [
    [2, 2.0, 2e0],
    [0, 0.0, -0.0],
    [2**53 + 1],
    [2**53, float(2**53)],
    [True],
    [False],
    ["2", " 2", "2\u200b", "\ufeff2\u00a0"],
    ["2.0"],
    ["2026-03-04T08:00:00Z", "2026-03-04T09:00:00+01:00", "2026-03-04 08:00", " 2026-03-04t08:00:00.000z"],
    ["2026-03-04T08:00:00.123456789Z"],
    ["2026-03-04T08:00:00.123456788Z"],
    ["2026-03-04"],
    ["2026-03-04T00:00:00Z"],
    ["São Paulo", "Sa\u0303o Paulo", "São\u200b Paulo ", "\tSão Paulo\n"],
    ["Sao Paulo"],
    ["são paulo"],
    [["a ", 1], ["a", 1.0]],
    [["a", True]],
    [[]],
]


@pytest.mark.parametrize("values", SAME)
def test_the_same_value_in_any_spelling_has_one_identity_and_one_canonical_form(values: list[object]) -> None:
    assert len({identity(value) for value in values}) == 1  # type: ignore[arg-type]
    assert len({json.dumps(canonical(value)) for value in values}) == 1  # type: ignore[arg-type]


def test_different_values_have_different_identities_and_canonical_forms() -> None:
    for these, those in combinations(SAME, 2):
        assert identity(these[0]) != identity(those[0])  # type: ignore[arg-type]
        assert json.dumps(canonical(these[0])) != json.dumps(canonical(those[0]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "other"),
    [("São  Paulo", "sao paulo"), ("STRASSE", "straße"), ("Ångström", "angstrom"), ("Ελλάδα", "ελλαδα")],
)
def test_capitals_accents_and_runs_of_blanks_do_not_count_for_how_a_text_reads(text: str, other: str) -> None:
    assert folded(text) == folded(other)


def test_marks_that_make_another_letter_are_kept() -> None:
    assert folded("がく") != folded("かく")


@pytest.mark.parametrize("value", ["", "  ", "\t\n", "\u200b", "\u00a0"])
def test_blanks_are_missing_in_every_space(value: str) -> None:
    assert value in Missing()


def test_a_spaces_markers_are_missing_as_text_and_as_the_number_they_spell() -> None:
    missing = Missing.of(["N/A", "-999"])
    assert all(value in missing for value in ("N/A", " N/A ", "-999", -999, -999.0))
    assert not any(value in missing for value in ("n/a", 999, 0, False, "none", []))


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), (" 3 ", 3), ("-2.5", -2.5), ("1e3", 1000.0), ("9007199254740993", 2**53 + 1), ("007", 7), ("+4", 4)],
)
def test_digits_spell_a_number(text: str, number: float) -> None:
    assert number_of(text) == number
    assert type(number_of(text)) is type(number)


@pytest.mark.parametrize("text", ["", "3 kg", "1,200", "1e999", "nan", "0x1", "٣", "1_000"])
def test_what_is_not_digits_spells_none(text: str) -> None:
    assert number_of(text) is None


def test_a_day_is_no_moment() -> None:
    assert is_day("2026-03-04")
    assert not any(map(is_day, ("2026-03-04T00:00:00Z", "2026-13-04", "20260304", 20260304)))
    assert parse_time("2026-03-04") == parse_time("2026-03-04T00:00:00Z")
