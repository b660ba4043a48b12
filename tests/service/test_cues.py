"""A cue is read by the types of the fields, says so, and a mistake in it is named with what was meant."""

from __future__ import annotations

import random
from typing import Any

import pytest

import engine
from recollect.errors import InsufficientEvidence
from recollect.model import (
    CompleteRequest,
    Completion,
    CompletionConfig,
    Cue,
    CueNoteCode,
    EpisodeFilter,
    EpisodeInput,
    FieldType,
    Scope,
    SpaceDraft,
)
from recollect.service.completions import complete
from recollect.service.episodes import put_episode
from recollect.service.recall import recall
from recollect.service.runtime import Runtime
from recollect.service.spaces import patch_space, put_space
from recollect.service.streaming import complete_stream

CITIES = ["Fresno", "Fargo", "Boston", "Austin", "Denver", "Dallas", "Mobile", "Newark"]
FIRST = ["William", "Robert", "Elizabeth", "Margaret", "John", "James", "Thomas", "Susan", "Peter", "Anna"]
LAST = ["Jones", "Smith", "Young", "Brown", "White", "Green", "Black", "Stone", "Hill", "Wood", "Ford", "Lane"]
ZIPS = ["93650", "58102", "02134", "73301", "80014", "75001", "36601", "07101"]


async def remember(runtime: Runtime, space: str, episodes: list[dict[str, Any]]) -> Scope:
    scope = Scope(space, "key_1")
    await put_space(runtime, scope, SpaceDraft())
    for n, fields in enumerate(episodes):
        await put_episode(runtime, scope, f"e{n}", EpisodeInput(fields))
    return scope


@pytest.fixture
async def towns(runtime: Runtime) -> Scope:
    """Fields of every type, each of which tells the town."""
    episodes = [
        {
            "zip": ZIPS[n % 8],
            "city": CITIES[n % 8],
            "qty": n % 8 + 3,
            "open": n % 2 == 0,
            "seen": f"2026-03-{n % 8 + 1:02d}T{8 + n % 5:02d}:00:00Z",
        }
        for n in range(40)
    ]
    return await remember(runtime, "towns", episodes)


async def ask(runtime: Runtime, scope: Scope, known: dict[str, Any], **more: Any) -> Completion:
    return await complete(runtime, scope, CompleteRequest(Cue(known), **more))


async def refused(runtime: Runtime, scope: Scope, known: dict[str, Any], **more: Any) -> InsufficientEvidence:
    with pytest.raises(InsufficientEvidence) as refusal:
        await ask(runtime, scope, known, **more)
    return refusal.value


CITY = {"targets": ("city",)}
CONTRADICTED: dict[str, Any] = {"who": "guest 3", "town": "Trier", "room": 103}  # the town is another guest's


class TestReading:
    @pytest.mark.parametrize(
        ("given", "as_stored", "read_as"),
        [
            ({"qty": "3"}, {"qty": 3}, 3),
            ({"qty": " 3.0 "}, {"qty": 3}, 3.0),
            ({"zip": 93650}, {"zip": "93650"}, "93650"),
            ({"zip": 2134}, {"zip": "02134"}, "02134"),
            ({"zip": 93650.0}, {"zip": "93650"}, "93650"),
            ({"zip": [93650]}, {"zip": "93650"}, "93650"),
            ({"qty": ["3"]}, {"qty": 3}, 3),
            ({"qty": "$3"}, {"qty": 3}, 3),
            ({"qty": "0.01k"}, {"qty": 10}, 10),
        ],
    )
    async def test_a_value_is_read_by_the_fields_type_and_the_answer_says_so(
        self, runtime: Runtime, towns: Scope, given: dict[str, Any], as_stored: dict[str, Any], read_as: Any
    ) -> None:
        found, expected = await ask(runtime, towns, given, **CITY), await ask(runtime, towns, as_stored, **CITY)
        assert found.fields["city"] == expected.fields["city"]
        assert found.completion_confidence == expected.completion_confidence
        [note] = found.cue_notes
        assert (note.code, note.field, note.read_as) == (CueNoteCode.COERCED, *given, read_as)
        assert expected.cue_notes == ()
        assert {name: found.fields[name] for name in given} == given  # what the cue gave is never altered

    @pytest.mark.parametrize("text", ["true", "True", "yes", "Y", "1", 1])
    async def test_a_truth_value_is_read_however_it_is_said(self, runtime: Runtime, towns: Scope, text: Any) -> None:
        loose = CompletionConfig(ca1_threshold=0.0)
        found = await ask(runtime, towns, {"open": text}, config=loose, **CITY)
        expected = await ask(runtime, towns, {"open": True}, config=loose, **CITY)
        assert found.completion_confidence == expected.completion_confidence
        assert [note.read_as for note in found.cue_notes] == [True]

    async def test_a_day_means_each_of_its_moments(self, runtime: Runtime, towns: Scope) -> None:
        found = await ask(runtime, towns, {"seen": "2026-03-03"}, **CITY)
        assert found.fields["city"] == CITIES[2]
        assert found.completion_confidence > 0.9
        [note] = found.cue_notes
        assert (note.code, note.read_as) == (CueNoteCode.COERCED, "2026-03-03")

    async def test_a_value_that_is_stored_is_taken_as_it_is(self, runtime: Runtime) -> None:
        mixed = [{"size": n % 4, "shelf": f"shelf {n % 4}"} for n in range(20)] + [{"size": "3", "shelf": "odd"}] * 4
        scope = await remember(runtime, "mixed", mixed)
        found = await ask(runtime, scope, {"size": "3"})
        assert (found.fields["shelf"], found.cue_notes) == ("odd", ())

    async def test_what_reads_alike_needs_no_note(self, runtime: Runtime, towns: Scope) -> None:
        found = await ask(runtime, towns, {"city": "FRESNO "}, targets=("zip",))
        assert (found.fields["zip"], found.cue_notes) == ("93650", ())

    async def test_recall_reads_alike(self, runtime: Runtime, towns: Scope) -> None:
        found = await recall(runtime, towns, Cue({"qty": "3", "colour": "red"}), 5, EpisodeFilter())
        assert {item.matched_fields for item in found.items} == {("qty",)}
        assert [note.code for note in found.cue_notes] == [CueNoteCode.COERCED, CueNoteCode.UNKNOWN_FIELD]

    async def test_the_stream_ends_with_the_same_notes(self, runtime: Runtime, towns: Scope) -> None:
        request = CompleteRequest(Cue({"qty": "3", "city": ""}))
        *_, last = [event async for event in complete_stream(runtime, towns, request)]
        assert isinstance(last, Completion)
        assert last.cue_notes == (await complete(runtime, towns, request)).cue_notes
        assert last.fields["city"] == "Fresno"


class TestMissing:
    @pytest.fixture
    async def people(self, runtime: Runtime) -> Scope:
        """Two hundred people, each with a first name and a postcode of their own."""
        people = [
            {
                "first": f"name{n}",
                "last": f"last{n % 50}",
                "dob": f"19{n % 80 + 10}-01-{n % 28 + 1:02d}",
                "post": f"P{n}",
            }
            for n in range(200)
        ]
        return await remember(runtime, "people", people)

    async def test_an_empty_text_does_not_destroy_an_exact_match(self, runtime: Runtime, people: Scope) -> None:
        without = await ask(runtime, people, {"first": "name7", "post": "P7"})
        blank = await ask(runtime, people, {"first": "name7", "post": "P7", "last": "", "dob": " \u200b"})
        assert blank.fields == without.fields
        assert blank.completion_confidence == without.completion_confidence > 0.95
        assert [(note.code, note.field) for note in blank.cue_notes] == [
            (CueNoteCode.TREATED_AS_MISSING, "last"),
            (CueNoteCode.TREATED_AS_MISSING, "dob"),
        ]

    async def test_names_the_wrong_way_round_find_their_person_and_the_answer_says_so(self, runtime: Runtime) -> None:
        names = ["Thomas", "Martin", "Alexis", "Jordan", "Morgan", "Taylor", "Robin", "Casey"]
        rows = [
            {"first": one, "last": other, "dob": f"19{10 + 8 * i + j}-06-{j + 1:02d}", "post": f"P{8 * i + j}"}
            for i, one in enumerate(names)
            for j, other in enumerate(names)
            if i < j
        ]
        scope = await remember(runtime, "named", rows)
        told = await ask(runtime, scope, {"first": "Martin", "last": "Thomas", "dob": rows[0]["dob"]})
        assert told.fields["post"] == "P1"
        assert told.completion_confidence > 0.9
        exchanged = [note for note in told.cue_notes if note.code is CueNoteCode.EXCHANGED]
        assert [(note.field, note.read_as) for note in exchanged] == [("first", "Thomas"), ("last", "Martin")]
        as_stored = await ask(runtime, scope, {"first": "Thomas", "last": "Martin", "dob": rows[0]["dob"]})
        assert as_stored.cue_notes == ()

    async def test_a_spaces_markers_count_in_cues_and_in_what_was_stored_before_they_were_set(
        self, runtime: Runtime
    ) -> None:
        rows = [{"town": f"town {n % 5}", "size": n % 5 if n % 3 else -999, "note": "n/a"} for n in range(60)]
        scope = await remember(runtime, "marked", rows)
        before = await ask(runtime, scope, {"town": "town 0"})
        assert before.fields["note"] == "n/a"
        await patch_space(runtime, scope, {"missing_values": ["n/a", "-999"]})
        assert runtime.memories.at(scope).field_types() == {"town": FieldType.CATEGORY, "size": FieldType.NUMBER}
        after = await ask(runtime, scope, {"town": "town 0", "size": -999.0})
        assert after.fields["size"] == 0
        assert [note.code for note in after.cue_notes] == [CueNoteCode.TREATED_AS_MISSING]
        await patch_space(runtime, scope, {"missing_values": None})
        assert "note" in runtime.memories.at(scope).field_types()


class TestMistakes:
    async def test_a_target_that_no_episode_has_is_refused_whatever_the_threshold(
        self, runtime: Runtime, towns: Scope
    ) -> None:
        refusal = await refused(
            runtime, towns, {"zip": "93650"}, targets=("ctiy",), config=CompletionConfig(ca1_threshold=0.0)
        )
        assert refusal.context["reasons"] == ["unknown_target"]
        assert "'ctiy'" in refusal.detail
        assert "'city'" in refusal.detail
        [suggestion] = refusal.suggestions
        assert suggestion.applicability == "machine_applicable"
        [change] = suggestion.changes
        assert (change.path, change.value) == (("targets",), ["city"])

    async def test_of_several_targets_the_unknown_one_is_left_out_and_named(
        self, runtime: Runtime, towns: Scope
    ) -> None:
        found = await ask(runtime, towns, {"zip": "93650"}, targets=("ctiy", "qty"))
        assert (found.fields["qty"], set(found.abstained)) == (3, {"ctiy"})
        assert [(note.field, note.nearest[0]) for note in found.cue_notes] == [("ctiy", "city")]

    async def test_a_misspelt_field_is_named_with_the_nearest_and_no_threshold_is_advised(
        self, runtime: Runtime, towns: Scope
    ) -> None:
        refusal = await refused(runtime, towns, {"Qty": 3}, **CITY)
        assert refusal.context["reasons"][0] == "unknown_cue_field"
        assert refusal.diagnosis is not None
        [note] = refusal.diagnosis.cue_notes
        assert (note.code, note.nearest[0]) == (CueNoteCode.UNKNOWN_FIELD, "qty")
        first = refusal.suggestions[0]
        assert (first.suggestion_id, first.applicability) == ("rename_fields", "machine_applicable")
        known = ("partial_episode", "known_fields")
        assert [(change.path, change.source) for change in first.changes] == [((*known, "qty"), (*known, "Qty"))]
        assert first.expected_effect["completion_confidence"] > 0.5
        suggested = {each.suggestion_id for each in refusal.suggestions}
        assert not suggested & {"lower_ca1_threshold", "add_qty"}
        assert "threshold" not in refusal.detail.replace("required", "")

    async def test_a_name_unlike_any_is_answered_with_those_there_are(self, runtime: Runtime, towns: Scope) -> None:
        refusal = await refused(runtime, towns, {"xxxxxxxx": 3}, **CITY)
        assert refusal.suggestions[0].applicability == "needs_value"
        assert "'zip'" in refusal.suggestions[0].message

    @pytest.mark.parametrize(
        "known", [{"qty": "three"}, {"qty": "3 kg"}, {"qty": True}, {"open": "maybe"}, {"seen": "in spring"}]
    )
    async def test_a_value_of_another_type_is_named_with_an_example(
        self, runtime: Runtime, towns: Scope, known: dict[str, Any]
    ) -> None:
        refusal = await refused(runtime, towns, known, **CITY)
        assert refusal.context["reasons"][0] == "type_mismatch"
        assert "such as" in refusal.detail
        assert "lower_ca1_threshold" not in {each.suggestion_id for each in refusal.suggestions}

    async def test_a_value_of_another_type_does_not_speak_against_the_rest(
        self, runtime: Runtime, towns: Scope
    ) -> None:
        found = await ask(runtime, towns, {"zip": "93650", "qty": "three"}, **CITY)
        expected = await ask(runtime, towns, {"zip": "93650"}, **CITY)
        assert found.completion_confidence == expected.completion_confidence
        assert [note.code for note in found.cue_notes] == [CueNoteCode.TYPE_MISMATCH]

    async def test_a_value_that_nobody_has_is_named_with_the_nearest(self, runtime: Runtime, towns: Scope) -> None:
        config = CompletionConfig(ca1_threshold=0.0)
        found = await ask(runtime, towns, {"city": "Bostom"}, targets=("zip",), config=config)
        assert [(note.code, note.nearest[0]) for note in found.cue_notes] == [(CueNoteCode.UNSEEN_VALUE, "Boston")]


class TestStoredOrNew:
    """A cue of a stored event with a wrong value in it may as well be of a new event."""

    @pytest.fixture
    async def guests(self, runtime: Runtime) -> Scope:
        towns = ["Bonn", "Kiel", "Ulm", "Hof", "Trier", "Mainz", "Essen", "Jena"]
        meals = ["egg", "ham", "tea"]
        episodes = [
            {"who": f"guest {n % 7}", "town": towns[n % 8], "room": 100 + n % 11, "meal": meals[n % 3]}
            for n in range(60)
        ]
        return await remember(runtime, "guests", episodes)

    async def test_whoever_knows_which_is_told_to_say_so_and_what_comes_of_it(
        self, runtime: Runtime, guests: Scope
    ) -> None:
        refusal = await refused(runtime, guests, CONTRADICTED, targets=("meal",))
        [said] = [each for each in refusal.suggestions if each.suggestion_id == "say_it_is_stored"]
        assert said.applicability == "maybe_incorrect"
        [change] = said.changes
        assert (change.path, change.value) == (("config", "prior_stored"), 1.0)
        found = await ask(runtime, guests, CONTRADICTED, targets=("meal",), config=CompletionConfig(prior_stored=1.0))
        assert found.completion_confidence == said.expected_effect["completion_confidence"] > 0.5
        assert "ay that a stored event is meant, if it is" in refusal.detail

    @pytest.mark.parametrize("prior", [0.0, 0.5])
    async def test_whoever_has_said_so_is_not(self, runtime: Runtime, guests: Scope, prior: float) -> None:
        config = CompletionConfig(prior_stored=prior)
        refusal = await refused(runtime, guests, CONTRADICTED, targets=("meal",), config=config)
        assert "say_it_is_stored" not in {each.suggestion_id for each in refusal.suggestions}
        assert "stored event is meant" not in refusal.detail

    async def test_no_field_is_advised_that_would_raise_nothing(
        self, runtime: Runtime, guests: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        advice = (engine.Advice("room", "meal", 0.9981, 0.9984), engine.Advice("who", "meal", 0.41, 0.44))
        monkeypatch.setattr(engine, "advise", lambda _: advice)
        refusal = await refused(runtime, guests, {"town": "Trier"}, targets=("meal",))
        added = [each.suggestion_id for each in refusal.suggestions if each.suggestion_id.startswith("add_")]
        assert added == ["add_who"]


class TestBaseRates:
    @pytest.fixture
    async def sales(self, runtime: Runtime) -> Scope:
        """The country is always the same; of the channel three are known."""
        rows = [
            {"country": "NO", "channel": ("web", "shop", "phone")[n % 3], "amount": n * 37 % 500} for n in range(100)
        ]
        return await remember(runtime, "sales", rows)

    async def test_a_constant_field_is_answered_alike_for_a_known_and_an_unseen_value(
        self, runtime: Runtime, sales: Scope
    ) -> None:
        known = await ask(runtime, sales, {"channel": "web"}, targets=("country",), verbose=True)
        unseen = await ask(runtime, sales, {"channel": "new"}, targets=("country",), verbose=True)
        assert known.fields["country"] == unseen.fields["country"] == "NO"
        assert known.completion_confidence > 0.98
        assert unseen.completion_confidence > 0.98
        assert known.attribution["country"].source == unseen.attribution["country"].source == "imagined"
        assert [note.code for note in unseen.cue_notes] == [CueNoteCode.UNSEEN_VALUE]

    async def test_a_rare_truth_value_is_not_told_of_a_cue_that_says_nothing_of_it(self, runtime: Runtime) -> None:
        rows = [{"amount": n * 37 % 500, "country": "AB"[n % 2], "fraud": n % 50 == 7} for n in range(500)]
        scope = await remember(runtime, "frauds", rows)
        told = await ask(runtime, scope, {"amount": 123, "country": "A"}, targets=("fraud",))
        assert told.fields["fraud"] is False
        assert told.completion_confidence == pytest.approx(0.98, abs=0.02)

    async def test_a_year_that_nothing_tells_has_little_confidence_and_lies_anywhere(self, runtime: Runtime) -> None:
        rng = random.Random(6)
        rows = [{"maker": f"maker {rng.randrange(3)}", "year": rng.randint(1990, 2023)} for _ in range(60)]
        scope = await remember(runtime, "cars", rows)
        anyhow = CompletionConfig(ca1_threshold=0.0)
        told = await ask(runtime, scope, {"maker": "maker 1"}, targets=("year",), config=anyhow)
        assert told.completion_confidence < 0.2
        lies = told.intervals["year"]
        assert float(lies.high) - float(lies.low) > 20


class TestNames:
    @pytest.fixture
    async def members(self, runtime: Runtime) -> Scope:
        """Two hundred members among whom the same few names come again and again, and the number is their own."""
        rng = random.Random(16)
        rows = [
            {"first": rng.choice(FIRST), "last": rng.choice(LAST), "town": rng.choice(CITIES), "number": f"M-{n:05d}"}
            for n in rng.sample(range(100_000), 199)
        ]
        return await remember(
            runtime, "members", [*rows, {"first": "William", "last": "Jones", "town": "Fargo", "number": "M-47110"}]
        )

    @pytest.mark.parametrize("first", ["Bill", "W.", "W", "  WILLIAM ", "william", "Wiliam"])
    async def test_a_name_in_another_form_beside_one_exact_field_finds_its_person(
        self, runtime: Runtime, members: Scope, first: str
    ) -> None:
        told = await ask(runtime, members, {"first": first, "number": "M-47110"})
        assert (told.fields["last"], told.fields["town"]) == ("Jones", "Fargo")
        assert told.completion_confidence > 0.8

    @pytest.mark.parametrize("first", ["T.", "T", "Tom", "Thom"])
    async def test_an_initial_or_a_short_form_is_told_among_few_people_too(self, runtime: Runtime, first: str) -> None:
        rng = random.Random(61)
        rows = [
            {"first": name, "last": last, "phone": f"{rng.randrange(10**6)}"}
            for name, last in zip(FIRST, LAST[::-1], strict=False)
        ]
        rows += [{"first": name, "last": rng.choice(LAST), "phone": f"{rng.randrange(10**6)}"} for name in FIRST]
        thomas = rows[FIRST.index("Thomas")]
        club = await remember(runtime, "club", rows)
        told = await ask(runtime, club, {"first": first, "phone": thomas["phone"]})
        assert told.fields["last"] == thomas["last"]
        assert told.completion_confidence > 0.7
