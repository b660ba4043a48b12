"""Recollection against the obvious implementation, and what must hold of any posterior."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, Schema, Traces, Weights, attach, complete, priors
from engine.answer.posterior import Posterior
from engine.recollection import match
from engine.recollection.competition import logit
from tests.engine import oracle
from tests.engine.worlds import NAMES, random_cue, random_records, traces_of

SEEDS = range(40)
EQUAL = Schema(Weights({}, {}))


def posterior_of(records: list[dict[str, str]], cue: dict[str, str], targets: tuple[str, ...]) -> Posterior:
    return Posterior(traces_of(records), CueInput(cue), Options(targets), EQUAL)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_and_match_are_those_of_the_oracle(seed: int) -> None:
    records = random_records(seed)
    cue = random_cue(records, seed)
    weights, expected = oracle.recollection(records, cue)
    found = posterior_of(records, cue, ()).recollection
    np.testing.assert_allclose(found.weights, weights, rtol=2e-4, atol=1e-9)
    assert found.match == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_kernels_are_those_of_writing_every_replay_out(seed: int) -> None:
    records = random_records(seed, size=16, missing=0.2)
    traces = traces_of(records)
    replays = [(row, match.fields_asked(sorted(r), row)) for row, r in enumerate(records) if r]
    expected = oracle.fitted_kernels(records, replays, priors.KERNEL_ROUNDS, priors.KERNEL_PSEUDO)
    for name, kernel in match.fit_kernels(traces).by_field.items():
        np.testing.assert_allclose(kernel, expected[name], rtol=1e-6, atol=1e-9)


def test_a_cue_is_of_a_stored_event_the_more_the_stranger_it_would_be_to_meet_its_values_again() -> None:
    """Ids never recur in new events, weekdays always do: an id that is stored means its event, a weekday none."""
    traces = traces_of([{"id": f"{NAMES[n % 10]}{n}", "day": NAMES[n % 5]} for n in range(200)])
    asked = {name: Posterior(traces, CueInput(cue), Options(()), attach(traces)).recollection.match for name, cue in
             {"id": {"id": f"{NAMES[3]}3"}, "day": {"day": NAMES[3]}, "unheard": {"id": "zzzzzz"}}.items()}  # fmt: skip
    assert asked["id"] > 0.9
    assert asked["day"] == pytest.approx(0.5, abs=0.1)
    assert asked["unheard"] < 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_recollected_values_are_those_of_the_oracle(seed: int) -> None:
    records = random_records(seed)
    cue = random_cue(records, seed)
    target = next(f"f{n}" for n in range(5) if f"f{n}" not in cue) if len(cue) < 5 else "f0"
    posterior = posterior_of(records, {k: v for k, v in cue.items() if k != target} or {"f1": "alba"}, (target,))
    column = posterior.traces.columns[target]
    expected = oracle.recollected_values(records, dict(posterior.cue.values), target)  # type: ignore[arg-type]
    recollected = posterior.recollected(target).recollected
    for value, p in expected.items():
        assert recollected[column.find(value)] == pytest.approx(p, abs=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_posterior_sums_to_one(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    targets = tuple(name for name in traces.columns if name not in cue)
    posterior = Posterior(traces, CueInput(cue), Options(targets), attach(traces))
    for target in targets:
        assert posterior.probabilities(target).sum() == pytest.approx(1.0, abs=1e-9)
    assert posterior.row_weights.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_episodes_and_fields_does_not_matter(seed: int) -> None:
    records = random_records(seed)
    cue = random_cue(records, seed)
    rng = np.random.default_rng(seed)
    shuffled = [
        {str(name): records[row][str(name)] for name in rng.permutation(sorted(records[row]))}
        for row in rng.permutation(len(records))
    ]
    targets = tuple(f"f{n}" for n in range(5) if f"f{n}" not in cue)
    here, there = posterior_of(records, cue, targets), posterior_of(shuffled, cue, targets[::-1])
    assert here.recollection.match == pytest.approx(there.recollection.match, abs=1e-9)
    for target in here.targets:
        mine, other = here.traces.columns[target], there.traces.columns[target]
        p, q = here.probabilities(target), there.probabilities(target)
        for code, value in enumerate(mine.values):
            assert p[code] == pytest.approx(q[other.find(value)], abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_writing_and_deleting_leaves_the_very_same_answer(seed: int) -> None:
    records = random_records(seed)
    cue = random_cue(records, seed)
    traces, untouched = traces_of(records), traces_of(records)
    for extra in random_records(seed + 1000, size=7, values=9):
        traces.append(extra, float(seed), None)
    traces.remove(range(len(records), len(records) + 7))
    targets = tuple(name for name in untouched.columns if name not in cue)
    ours, theirs = (complete(t, CueInput(cue), Options(targets), attach(t)) for t in (traces, untouched))
    assert {n: (f.value, f.confidence) for n, f in ours.fields.items()} == {
        n: (f.value, f.confidence) for n, f in theirs.fields.items()
    }
    assert (ours.match, ours.energy, ours.overlap) == (theirs.match, theirs.energy, theirs.overlap)
    for target in targets:
        mine, other = (a.posterior.probabilities(target) for a in (ours, theirs))
        assert mine.tobytes() == other.tobytes()
    assert counts(traces) == counts(untouched)
    assert attach(traces).weights == attach(untouched).weights


def counts(traces: Traces) -> list[object]:
    """Everything that is counted over the episodes."""
    return [
        traces.size,
        traces.times.tobytes(),
        [
            (
                *(name, column.kind, column.present, column.distinct, list(column.values), column.background(0)),
                *(column.codes.tobytes(), column.counts.tobytes(), column.numbers.tobytes()),
            )
            for name, column in traces.columns.items()
        ],
    ]


def test_an_odd_fact_written_once_is_recalled_at_once() -> None:
    for seed in SEEDS:
        records = [*random_records(seed), {"f0": "alba", "f1": "quito", "f2": "hapaxlegomenon", "f3": "wexpy"}]
        traces = traces_of(records)
        answer = complete(
            traces,
            CueInput({"f0": "alba", "f2": "hapaxlegomenon", "f3": "wexpy"}),
            Options(("f1",)),
            attach(traces),
        )
        assert answer.fields["f1"].value == "quito"
        assert answer.fields["f1"].confidence > 0.8
        assert answer.posterior.rows[answer.posterior.row_weights.argmax()] == len(records) - 1


def test_a_clean_cue_gives_each_value_its_share_among_the_matching_episodes() -> None:
    records = [{"a": "alba", "b": "quito"}] * 3 + [{"a": "alba", "b": "fjord"}] + [{"a": "wexpy", "b": "numbo"}] * 40
    posterior = posterior_of(records, {"a": "alba"}, ("b",))
    column = posterior.traces.columns["b"]
    recollected = posterior.recollected("b").recollected
    assert recollected[column.find("quito")] == pytest.approx(0.75, abs=0.02)
    assert recollected[column.find("fjord")] == pytest.approx(0.25, abs=0.01)


def test_a_cue_nobody_stored_is_not_taken_for_a_memory() -> None:
    records = random_records(3, missing=0.0)
    foreign = posterior_of(records, {f"f{n}": "otherworldly" for n in range(4)}, ("f4",))
    stored = posterior_of(records, {f"f{n}": records[5][f"f{n}"] for n in range(4)}, ("f4",))
    assert foreign.recollection.match < 0.2
    assert stored.recollection.match > 0.8


@pytest.mark.parametrize("seed", range(10))
def test_what_the_cue_does_not_ask_about_does_not_matter(seed: int) -> None:
    records = random_records(seed, missing=0.0)
    rng = np.random.default_rng(seed)
    told, cue = records[7], {"f0": records[7]["f0"], "f2": records[7]["f2"]}
    twin = {**{name: NAMES[rng.integers(len(NAMES))] for name in told}, **cue}
    weights = posterior_of([*records, twin], cue, ()).recollection.weights
    assert weights[7] == weights[-1]


@pytest.mark.parametrize("seed", range(10))
def test_masked_dimensions_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(80, 16)).astype(np.float32)
    hidden = rng.random(16) < 0.5
    hidden[:2] = True, False
    rows[-1] = rows[7]
    rows[-1, hidden] = rng.normal(size=int(hidden.sum()))
    traces = Traces()
    for row in rows:
        traces.append({"label": NAMES[rng.integers(3)]}, np.nan, row)
    cue = rows[7] + rng.normal(scale=0.1, size=16).astype(np.float32)
    cue[hidden] = np.nan
    weights = Posterior(traces, CueInput({}, cue), Options(("label",)), EQUAL).recollection.weights
    assert weights[7] == pytest.approx(weights[-1], rel=1e-9)
    assert weights[7] == weights.max()


def test_what_comes_after_all_that_is_stored_is_a_new_event_and_not_a_wrong_date() -> None:
    records = [
        {"when": f"2024-{m:02}-{d:02}", "who": f"person {(m * d) % 9}", "where": f"place {(m + d) % 7}"}
        for m in range(1, 13)
        for d in range(1, 29)
    ]
    traces = traces_of(records)
    stored = records[100]

    def match(day: str) -> float:
        cue = CueInput({**stored, "when": day})
        return complete(traces, cue, Options(()), attach(traces)).match

    within, after = match("2024-11-30"), match("2025-03-01")
    assert after < 0.5 * within
    assert match(stored["when"]) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_the_prior_of_the_caller_moves_the_match_by_its_own_odds_alone(seed: int) -> None:
    records = random_records(seed)
    cue, traces = random_cue(records, seed), traces_of(records)
    even, told = (Posterior(traces, CueInput(cue), Options((), prior_stored=p), EQUAL).recollection for p in (0.5, 0.8))
    assert logit(told.match) - logit(even.match) == pytest.approx(logit(0.8), abs=1e-9)
    np.testing.assert_array_equal(told.weights, even.weights)


def test_who_says_that_the_event_is_stored_or_new_gets_memory_or_regularity_alone() -> None:
    records = random_records(3)
    traces, cue = traces_of(records), {name: records[0][name] for name in sorted(records[0])[:2]}
    target = next(name for name in traces.columns if name not in cue)
    for prior, weight in ((1.0, 0.0), (0.0, 1.0)):
        told, plain = (
            complete(traces, CueInput(cue), Options((target,), **{setting: value}), attach(traces))  # type: ignore[arg-type]
            for setting, value in (("prior_stored", prior), ("pattern_weight", weight))
        )
        assert told.match == prior
        np.testing.assert_array_equal(told.posterior.probabilities(target), plain.posterior.probabilities(target))


def test_what_is_read_from_the_first_episodes_does_not_depend_on_when_it_is_read() -> None:
    """A worker that has held a space since it was small, and one that reads it now, weigh a cue alike."""
    records = random_records(3, size=120, missing=0.2)
    grown = traces_of(records[:70])
    before = attach(grown)
    for record in records[70:]:
        grown.append(record, float("nan"), None)
    now = attach(traces_of(records))
    assert before.weights == now.weights
    assert {name: kernel.tolist() for name, kernel in before.kernels.items()} == {
        name: kernel.tolist() for name, kernel in now.kernels.items()
    }
