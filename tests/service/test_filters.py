"""A filter, forgetting, recall and feedback hold the same values for equal, however they are written."""

from __future__ import annotations

import orjson
import pytest

from engine import identity
from recollect.errors import Conflict
from recollect.model import (
    CompleteRequest,
    Cue,
    EpisodeFilter,
    EpisodeInput,
    FeedbackInput,
    FieldValue,
    Scope,
    Verdict,
)
from recollect.service.completions import complete
from recollect.service.episodes import create_episode, forget_episodes, get_episode, list_episodes, put_episode
from recollect.service.feedback import create_feedback
from recollect.service.recall import recall
from recollect.service.runtime import Runtime

SPELT = [
    *(2, 2.0, "2", True, 1, 0, -0.0, 0.0, 21, 2.5, 1e16, 10**16, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, 1e300),
    *("a", "a ", " a", "\ta", "A", "ä", "a\u0308", "ä\u200b", 'say "a"', 'say  "a"', "a\\b", "", " ", "\u200b"),
    *("2026-03-04T08:00:00Z", "2026-03-04T09:00:00+01:00", "2026-03-04 08:00", "2026-03-04"),
    *(["a", 2], ["a", 2.0], ["a "], [" a"], [], [True]),
]


def same(value: object, other: object) -> bool:
    """The obvious rule: blanks are missing, else the identity decides."""
    blanks = [isinstance(each, str) and not each.replace("\u200b", "").strip() for each in (value, other)]
    return all(blanks) if any(blanks) else identity(value) == identity(other)  # type: ignore[arg-type]


async def test_listing_forgetting_and_recall_find_what_is_the_same(runtime: Runtime, scope: Scope) -> None:
    for n, value in enumerate(SPELT):
        await put_episode(runtime, scope, f"e{n}", EpisodeInput({"v": value, "w": "all"}))  # type: ignore[dict-item]
    for value in SPELT:
        where = EpisodeFilter({"v": value})  # type: ignore[dict-item]
        expected = {f"e{n}" for n, other in enumerate(SPELT) if same(value, other)}
        assert {each.episode_id for each in (await list_episodes(runtime, scope, where)).items} == expected, value
        assert (await forget_episodes(runtime, scope, where)).count == len(expected), value
        recalled = await recall(runtime, scope, Cue({"w": "all"}), 200, where)
        assert {each.episode.episode_id for each in recalled.items} == expected, value


async def test_three_rows_of_2_0_are_forgotten_as_2(runtime: Runtime, scope: Scope) -> None:
    for n in range(3):
        await create_episode(runtime, scope, EpisodeInput({"price": 2.0, "n": n}))
    assert (await forget_episodes(runtime, scope, EpisodeFilter({"price": 2}))).count == 3


async def test_an_instant_is_forgotten_with_any_offset(runtime: Runtime, scope: Scope) -> None:
    await create_episode(runtime, scope, EpisodeInput({"at": "2026-03-04T08:00:00Z"}))
    assert (await forget_episodes(runtime, scope, EpisodeFilter({"at": "2026-03-04T09:00:00+01:00"}))).count == 1


async def test_what_was_stored_comes_back_byte_for_byte(runtime: Runtime, scope: Scope) -> None:
    for n, value in enumerate(SPELT):
        await put_episode(runtime, scope, f"e{n}", EpisodeInput({"v": value}))  # type: ignore[dict-item]
    for n, value in enumerate(SPELT):
        document = (await get_episode(runtime, scope, f"e{n}")).document
        assert orjson.dumps({"v": value}) in document


async def test_a_retry_that_writes_the_same_values_otherwise_is_a_replay(runtime: Runtime, scope: Scope) -> None:
    first = await create_episode(
        runtime, scope, EpisodeInput({"price": 2.0, "at": "2026-03-04T08:00:00Z", "who": "Ada"}), idempotency_key="k"
    )
    otherwise = EpisodeInput({"price": 2, "at": "2026-03-04T09:00:00+01:00", "who": "Ada "})
    again = await create_episode(runtime, scope, otherwise, idempotency_key="k")
    assert again.replayed
    assert again.episode == first.episode  # as it is stored, not as the retry has it
    with pytest.raises(Conflict):
        await create_episode(runtime, scope, EpisodeInput({"price": 3}), idempotency_key="k")


@pytest.mark.parametrize(
    ("stored", "true_value", "verdict"),
    [
        ("São Paulo", "Sa\u0303o Paulo ", Verdict.RIGHT),
        ("São Paulo", "Lima", Verdict.WRONG),
        ("2026-03-04T08:00:00Z", "2026-03-04T09:00:00+01:00", Verdict.RIGHT),
        (True, 1, Verdict.WRONG),
    ],
)
async def test_feedback_holds_the_same_values_for_right(
    runtime: Runtime, scope: Scope, stored: str | bool, true_value: str | int, verdict: Verdict
) -> None:
    for n in range(4):
        await create_episode(runtime, scope, EpisodeInput({"what": "trip", "told": stored, "n": n}))
    answer = await complete(runtime, scope, CompleteRequest(Cue({"what": "trip"}), targets=("told",)))
    given = FeedbackInput(answer.completion_id, "told", true_value=true_value)
    assert (await create_feedback(runtime, scope, given)).verdict == verdict


async def test_a_city_in_decomposed_form_is_the_same_city(runtime: Runtime, scope: Scope) -> None:
    cities = ["Zürich", "Malmö", "Kraków", "Łódź", "Århus", "Nîmes", "Cádiz", "Bragança"]
    for n, city in enumerate(cities):
        await create_episode(runtime, scope, EpisodeInput({"city": city, "name": f"person {n}"}))
    composed = await complete(runtime, scope, CompleteRequest(Cue({"city": "Zürich"})))
    decomposed = await complete(runtime, scope, CompleteRequest(Cue({"city": "Zu\u0308rich"})))
    assert composed.fields["name"] == decomposed.fields["name"] == "person 0"
    assert composed.completion_confidence == decomposed.completion_confidence


@pytest.mark.parametrize(("true_value", "verdict"), [(512.9, Verdict.RIGHT), (601.0, Verdict.WRONG)])
async def test_feedback_on_a_measurement_is_kept_and_judged_on_the_fields_scale(
    runtime: Runtime, scope: Scope, true_value: float, verdict: Verdict
) -> None:
    for n in range(60):
        await create_episode(runtime, scope, EpisodeInput({"run": f"run {n}", "weight": 500.0 + 1.37 * n}))
    answer = await complete(runtime, scope, CompleteRequest(Cue({"run": "run 9"}), targets=("weight",)))
    runtime.recent.flush()
    given = FeedbackInput(answer.completion_id, "weight", true_value=true_value)
    assert (await create_feedback(runtime, scope, given)).verdict == verdict


@pytest.mark.parametrize(
    ("wanted", "code", "says"),
    [
        ({"pirce": 2}, "unknown_field", "the nearest is 'price'"),
        ({"price": "2"}, "type_mismatch", "Give 2, if that is meant."),
        ({"price": "two"}, "type_mismatch", "'price' has numbers"),
        ({"zip": 93650}, "type_mismatch", 'Give "93650", if that is meant.'),
        ({"city": "Fersno"}, "unseen_value", "the nearest is 'Fresno'"),
        ({"at": "2026-03-04"}, "type_mismatch", "'at' has moments or days"),
    ],
)
async def test_what_no_episode_can_have_is_noted_where_nothing_matches(
    runtime: Runtime, scope: Scope, wanted: dict[str, FieldValue], code: str, says: str
) -> None:
    stored = {"price": 2.0, "zip": "93650", "city": "Fresno", "at": "2026-03-04T08:00:00Z"}
    for n in range(3):
        await create_episode(runtime, scope, EpisodeInput({**stored, "n": n}))
    where = EpisodeFilter(wanted)
    counted = await forget_episodes(runtime, scope, where)
    recalled = await recall(runtime, scope, Cue({"n": 1}), 10, where)
    assert counted.count == len(recalled.items) == 0
    for [note] in (counted.cue_notes, recalled.cue_notes):
        assert note.code == code
        assert says in note.message
    assert (await forget_episodes(runtime, scope, EpisodeFilter({"price": 2}))).cue_notes == ()
    assert (await forget_episodes(runtime, scope, EpisodeFilter({"price": 2, "n": 7}))).cue_notes == ()
