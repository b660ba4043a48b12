"""Strict JSON against an obvious second reading of the same rules."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.errors import InvalidRequest
from recollect.strict_json import INT64_MAX, INT64_MIN, MAX_CONTAINERS, MAX_DEPTH, MAX_MEMBERS, MAX_VALUES, parse

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=8),
    st.sampled_from([":", "{", '"', "\\", "\\u0000", "0" * 20, "[,", "\0"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('ab:\\"0', max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
@settings(max_examples=500, deadline=None)
def test_what_is_taken_is_what_was_written_and_what_breaks_a_rule_is_refused(value: Any, is_escaped: bool) -> None:
    body = json.dumps(value, ensure_ascii=is_escaped).encode()
    if breaks_a_rule(value):
        with pytest.raises(InvalidRequest):
            parse(body)
    else:
        assert same(parse(body), value)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", ":", "{"]), SCALARS), max_size=5), st.integers(0, 3))
@settings(max_examples=500, deadline=None)
def test_a_duplicate_is_found_wherever_it_hides(members: list[tuple[str, Any]], place: int) -> None:
    inner = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members) + "}"
    body = [inner, f"[1,{inner}]", f'{{"x":{inner}}}', f'{{"x":[[0.5],{inner}]}}'][place].encode()
    has_duplicate = len({name for name, _ in members}) < len(members)
    if has_duplicate or any(breaks_a_rule(value) for _, value in members):
        with pytest.raises(InvalidRequest):
            parse(body)
    else:
        assert same(parse(body), json.loads(body))


@pytest.mark.parametrize("opening", ["[", '{"a":', '[1,"]",', '{"b":"}","a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_the_depth_is_counted_exactly(opening: str, depth: int) -> None:
    closing = "]" if opening.startswith("[") else "}"
    body = (opening * depth + "1" + closing * depth).encode()
    if depth <= MAX_DEPTH:
        assert parse(body) == json.loads(body)
    else:
        with pytest.raises(InvalidRequest):
            parse(body)


@pytest.mark.parametrize(
    "text", ["9223372036854775807", "-9223372036854775808", "1e18", "0.12345678901234567890123", "-0"]
)
def test_numbers_at_the_edge_are_taken(text: str) -> None:
    assert parse(f'{{"a":{text}}}'.encode()) == {"a": json.loads(text)}


def breaks_a_rule(value: Any) -> bool:
    if isinstance(value, dict):
        return any(breaks_a_rule(name) or breaks_a_rule(each) for name, each in value.items())
    if isinstance(value, list):
        return any(map(breaks_a_rule, value))
    if isinstance(value, str):
        return "\0" in value
    return type(value) is int and not INT64_MIN <= value <= INT64_MAX


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types throughout."""
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and left == right


@pytest.mark.parametrize(
    ("piece", "limit"),
    [(b"[],", MAX_CONTAINERS), (b"{},", MAX_CONTAINERS), (b"0,", MAX_VALUES), (b'"",', MAX_VALUES)],
)
def test_more_values_than_a_request_can_need_are_refused_before_the_parse(piece: bytes, limit: int) -> None:
    last = b"0]"
    assert len(parse(b"[" + piece * (limit - 2) + last)) == limit - 1
    with pytest.raises(InvalidRequest) as refusal:
        parse(b"[" + piece * (limit + 1) + last)
    assert refusal.value.violations[0].code == "TOO_MANY_VALUES"


def test_brackets_and_commas_within_texts_count_for_nothing() -> None:
    text = '[{,:\\"\\\\' * MAX_MEMBERS
    assert len(parse(b'{"what":"' + text.encode() + b'"}')["what"]) == 6 * MAX_MEMBERS


def test_members_are_counted_too() -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in range(MAX_MEMBERS)) + b"}"
    assert len(parse(body)) == MAX_MEMBERS
    with pytest.raises(InvalidRequest, match="members"):
        parse(body[:-1] + b',"x":1}')
