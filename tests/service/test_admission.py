"""What an episode must be to be stored."""

from __future__ import annotations

import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import DimensionMismatch, InvalidRequest
from recollect.model import EpisodeInput, Origin
from recollect.service.admission import (
    MAX_FIELDS,
    MAX_LIST_ITEMS,
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    admit,
    read_episode,
)

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
scalars = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
fields = st.dictionaries(texts.filter(bool), scalars | st.lists(scalars, max_size=5), min_size=1, max_size=6)


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def violations(episode: EpisodeInput, episode_id: str = "a", **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        admit(episode, episode_id, None, **more)
    return [(each.pointer, each.code) for each in refused.value.violations]


@given(fields)
def test_every_value_comes_back_in_its_type(values: dict[str, Any]) -> None:
    stored = orjson.loads(admit(EpisodeInput(values), "a", None).document)["fields"]
    assert stored == values
    assert repr(stored) == repr(values)  # tells 3, 3.0, True and -0.0 apart


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "TYPE"),
        ({"a": 1}, "TYPE"),
        (float("nan"), "NUMBER_NOT_FINITE"),
        (float("inf"), "NUMBER_NOT_FINITE"),
        (2**63, "INTEGER_RANGE"),
        (-(2**63) - 1, "INTEGER_RANGE"),
        ("a\x00b", "NUL_CHARACTER"),
        ("x" * (MAX_TEXT_LENGTH + 1), "TEXT_LENGTH"),
        ([0] * (MAX_LIST_ITEMS + 1), "LIST_LENGTH"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(value: Any, code: str) -> None:
    assert violations(EpisodeInput({"a/b~c": value, "good": 1})) == [("/fields/a~1b~0c", code)]


def test_a_bad_item_of_a_list_is_named_by_its_index() -> None:
    assert violations(EpisodeInput({"l": [1, [2]]})) == [("/fields/l/1", "TYPE")]
    assert violations(EpisodeInput({"l": [1, None]}), fields_at="") == [("/l/1", "TYPE")]


def test_the_limits_themselves_are_allowed() -> None:
    at_the_limit = {
        "n" * MAX_NAME_LENGTH: "x" * MAX_TEXT_LENGTH,
        "l": [1.5] * MAX_LIST_ITEMS,
        "least": -(2**63),
        "most": 2**63 - 1,
        "empty text": "",
        "empty list": [],
    }
    admit(EpisodeInput(at_the_limit), "a" * 128, None)
    admit(EpisodeInput({str(n): n for n in range(MAX_FIELDS)}), "a", None)


@pytest.mark.parametrize("names", [[""], ["n" * (MAX_NAME_LENGTH + 1)], ["a\x00"]])
def test_a_bad_name_is_refused(names: list[str]) -> None:
    assert [code for _, code in violations(EpisodeInput(dict.fromkeys(names, 1)))] == ["FIELD_NAME"]


def test_too_few_or_too_many_fields_are_refused() -> None:
    assert violations(EpisodeInput({})) == [("/fields", "FIELD_COUNT")]
    assert violations(EpisodeInput({str(n): n for n in range(MAX_FIELDS + 1)})) == [("/fields", "FIELD_COUNT")]


@pytest.mark.parametrize("episode_id", ["", "-a", "a/b", "a b", "ä", "a" * 129, "a\n"])
def test_a_bad_id_is_refused(episode_id: str) -> None:
    assert violations(EpisodeInput({"a": 1}), episode_id) == [("/id", "ID_PATTERN")]


@pytest.mark.parametrize("time", ["2026-03-04", "2026-03-04T08:00:00", "08:00", "2026-13-04T08:00:00Z", "2026-W10-3"])
def test_a_time_without_offset_or_sense_is_refused(time: str) -> None:
    assert violations(EpisodeInput({"a": 1}, occurred_at=time)) == [("/occurred_at", "TIME")]


def test_times_are_kept_as_written_and_understood() -> None:
    write = admit(EpisodeInput({"a": 1}, occurred_at="2026-03-04T09:00:00.5+01:00"), "a", None)
    assert write.occurred_at_s == 1772611200.5
    assert orjson.loads(write.document)["occurred_at"] == "2026-03-04T09:00:00.5+01:00"


def test_all_violations_are_told_and_no_value_is_echoed() -> None:
    with pytest.raises(InvalidRequest) as refused:
        admit(EpisodeInput({"a": {"secret": "s3cret"}, "": None}, expires_at="s3cret"), "s3cret/", None)
    assert len(refused.value.violations) == 5
    assert "s3cret" not in refused.value.detail + repr(refused.value.violations)


def test_a_lone_surrogate_is_refused() -> None:
    assert violations(EpisodeInput({"a": "\ud800"})) == [("", "INVALID_TEXT")]


def test_a_vector_must_have_the_length_of_the_space() -> None:
    episode = EpisodeInput({"a": 1}, embedding=vector(1, 2, 3))
    assert admit(episode, "a", 3).embedding == episode.embedding
    assert admit(episode, "a", None).embedding == episode.embedding
    with pytest.raises(DimensionMismatch) as refused:
        admit(episode, "a", 4)
    assert refused.value.context == {"dimensions": 3, "space_dimensions": 4}


class TestReadingJson:
    def test_the_public_shape_is_read(self) -> None:
        episode = read_episode(
            {
                "id": "a",
                "fields": {"what": "walk"},
                "embedding": [0.5, 1],
                "origin": "reconstructed",
                "metadata": {"by": "hand"},
                "occurred_at": "2026-03-04T08:00:00Z",
            }
        )
        assert episode == EpisodeInput(
            {"what": "walk"},
            "a",
            vector(0.5, 1),
            "2026-03-04T08:00:00Z",
            None,
            Origin.RECONSTRUCTED,
            {"by": "hand"},
        )
        assert read_episode({"fields": {"a": 1}, "embedding_b64": "AAAAPwAAgD8="}).embedding == vector(0.5, 1)

    @pytest.mark.parametrize(
        ("row", "pointer", "code"),
        [
            ({"fields": {"a": 1}, "surprise": 1}, "/surprise", "UNKNOWN_MEMBER"),
            ({}, "/fields", "TYPE"),
            ({"fields": [1]}, "/fields", "TYPE"),
            ({"fields": {"a": 1}, "id": 3}, "/id", "TYPE"),
            ({"fields": {"a": 1}, "origin": "dreamt"}, "/origin", "ENUM"),
            ({"fields": {"a": 1}, "origin": []}, "/origin", "ENUM"),
            ({"fields": {"a": 1}, "metadata": 1}, "/metadata", "TYPE"),
            ({"fields": {"a": 1}, "embedding": [1, "x"]}, "/embedding", "TYPE"),
            ({"fields": {"a": 1}, "embedding": [True]}, "/embedding", "TYPE"),
            ({"fields": {"a": 1}, "embedding_b64": 1}, "/embedding_b64", "TYPE"),
            ({"fields": {"a": 1}, "embedding": [1], "embedding_b64": "AAAAPw=="}, "/embedding_b64", "EMBEDDING_TWICE"),
        ],
    )
    def test_what_is_not_is_refused_with_its_place(self, row: dict[str, Any], pointer: str, code: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            read_episode(row)
        assert [(each.pointer, each.code) for each in refused.value.violations] == [(pointer, code)]
