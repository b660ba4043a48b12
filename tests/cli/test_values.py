"""How the command line reads values and shows them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.cli.client import problem_hints
from recollect.cli.completing import parse_fields
from recollect.cli.console import Failure, out, print_table, shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("breakfast", "breakfast"),
        ("3", 3),
        ("3.0", 3.0),
        ('"3"', "3"),
        ("007", "007"),
        ("true", True),
        ("True", "True"),
        ('["a", 1]', ["a", 1]),
        ("2026-03-04", "2026-03-04"),
        ("NaN", "NaN"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_values_are_json_where_they_are_json_else_text(text: str, value: Any) -> None:
    parsed = parse_fields([f"f={text}"])["f"]
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("pairs", [["breakfast"], ["=x"], ["a=1", "a=2"], ["a=null"], ["a={}"]])
def test_what_cannot_be_a_field_is_refused_with_a_hint(pairs: list[str]) -> None:
    with pytest.raises(Failure) as failure:
        parse_fields(pairs)
    assert failure.value.exit_code == 2
    assert failure.value.hints


scalars = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


@given(scalars | st.lists(scalars, max_size=4))
def test_what_is_shown_reads_back_as_the_same_value(value: Any) -> None:
    back = parse_fields([f"f={shown(value)}"])["f"]
    assert json.dumps(back) == json.dumps(value)


@pytest.mark.parametrize(("value", "option"), [(1.0, "--stored"), (0.0, "--new")])
def test_what_a_refusal_advises_is_told_as_an_option(value: float, option: str) -> None:
    patch = [{"op": "add", "path": "/config", "value": {"prior_stored": value}}]
    [hint] = problem_hints({"suggestions": [{"id": "say", "message": "Say so.", "patch": patch}]})
    assert hint == f"Say so.  ({option})"


@pytest.mark.parametrize("value", [":car: :no: 7:30:15", "[red]stop[/] [/x] [b", "\\[bold] a\\b"])
def test_values_are_printed_as_they_are_whatever_the_terminal_reads_in_them(value: str) -> None:
    with out.capture() as printed:
        print_table(["where", "note"], [["kitchen", value]])
    assert value in printed.get()
