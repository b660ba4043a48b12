"""The learner of mixed tables: honest, deterministic, forgetful, and better than the closed form."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from engine import Learned, Traces, attach, consolidate
from engine.generalisation import features
from engine.generalisation.attention.learner import CategoricalHead, CategoricalLearner
from engine.generalisation.closed_form import Generaliser
from engine.generalisation.learning import Fitted, log_loss
from engine.generalisation.weights import closed_form
from engine.memory import holdout
from engine.memory.values import Value
from engine.priors import GENERALISATION_WIDTH
from engine.recollection.evidence import weigh_field
from tests.engine.worlds import NAMES

Record = dict[str, Value]
DAY = 86400.0


def world(seed: int, size: int = 500) -> list[Record]:
    """`what` follows from `who` and from how high `level` is; `odd` has nothing to do with anything."""
    rng = np.random.default_rng(seed)
    habit = rng.integers(6, size=(8, 2))
    records = []
    for _ in range(size):
        who, level = int(rng.integers(8)), float(np.round(rng.normal(), 1))
        what = int(habit[who, int(level > 0)]) if rng.random() < 0.8 else int(rng.integers(6))
        record: Record = {"who": NAMES[who], "level": level, "what": NAMES[what], "odd": NAMES[int(rng.integers(10))]}
        if rng.random() < 0.3:
            record["note"] = f"it was {NAMES[what]} again" if rng.random() < 0.5 else "nothing seen"
        records.append(record)
    return records


def traces_of(records: list[Record], *, is_timed: bool = False) -> Traces:
    traces = Traces()
    for day, record in enumerate(records):
        traces.append(record, DAY * day if is_timed else math.nan, None)
    return traces


@cache
def fitted(seed: int, is_timed: bool = False) -> tuple[Traces, Fitted]:
    traces = traces_of(world(seed), is_timed=is_timed)
    learner = CategoricalLearner()
    return traces, learner.fit(traces, learner.targets(traces), lambda done: None)


def head(seed: int, is_timed: bool = False) -> tuple[Traces, CategoricalHead]:
    traces, learned = fitted(seed, is_timed)
    return traces, CategoricalLearner().attach(traces, traces.size, learned.parameters)


def distribution(traces: Traces, made: CategoricalHead, cue: Record, target: str = "what") -> dict[Value, float]:
    general = made.infer(cue, target)
    assert general is not None
    return dict(zip(traces.columns[target].values, general.posterior.tolist(), strict=True))  # type: ignore[arg-type]


CUES: list[Record] = [
    {"who": NAMES[1], "level": 0.4, "odd": NAMES[3]},
    {"level": -2.0},
    {"who": NAMES[2]},
    {"who": "nobody at all", "level": 0.0},
    {"note": f"{NAMES[1]} it was"},
]


@pytest.mark.parametrize("is_timed", [False, True])
def test_every_posterior_sums_to_one(is_timed: bool) -> None:
    _, made = head(1, is_timed)
    for cue in CUES:
        general = made.infer(cue, "what")
        assert general is not None
        for p in (general.posterior, general.kernel(), general.schema()):
            assert (p >= 0).all()
            assert p.sum() == pytest.approx(1.0)


def test_it_is_for_names_flags_and_numbers_that_recur() -> None:
    records = world(2)
    for place, record in enumerate(records):
        record |= {"id": f"n{place}", "score": place % 4, "is_late": place % 3 == 0, "size": place / 7}
    assert set(CategoricalLearner().targets(traces_of(records))) == {"who", "what", "odd", "score", "is_late", "note"}
    assert not CategoricalLearner().targets(traces_of(records[:50]))


@pytest.mark.parametrize("is_timed", [False, True])
def test_fitting_twice_learns_the_same_to_the_bit(is_timed: bool) -> None:
    traces = traces_of(world(3, 200), is_timed=is_timed)
    learner = CategoricalLearner()
    one, two = (learner.fit(traces, ("what",), lambda done: None) for _ in range(2))
    assert one.losses == two.losses
    assert all(np.array_equal(one.parameters[name], two.parameters[name]) for name in one.parameters)


def test_the_order_of_episodes_does_not_matter() -> None:
    traces, learned = fitted(1)
    records = world(1)
    shuffled = traces_of([records[row] for row in np.random.default_rng(0).permutation(traces.size)])
    learner = CategoricalLearner()
    made, other = (learner.attach(t, t.size, learned.parameters) for t in (traces, shuffled))
    for cue in CUES:
        told, same = distribution(traces, made, cue), distribution(shuffled, other, cue)
        assert told == pytest.approx(same, abs=1e-5)


def test_what_is_erased_leaves_nothing_behind() -> None:
    records = world(1)
    traces, learned = fitted(1)
    gone = [row for row, record in enumerate(records) if row % 5 == 0 or record["what"] == NAMES[0]]
    erased, never = traces.without(gone), traces_of([r for row, r in enumerate(records) if row not in set(gone)])
    learner = CategoricalLearner()
    made, other = (learner.attach(t, t.size, learned.parameters) for t in (erased, never))
    for cue in CUES:
        assert distribution(erased, made, cue) == distribution(never, other, cue)


def test_an_erased_value_cannot_be_read_from_what_was_learned() -> None:
    _, learned = fitted(1)
    kept = b"".join(array.tobytes() for array in learned.parameters.values())
    assert not any(name.encode() in kept for name in NAMES)


@pytest.mark.parametrize("is_timed", [False, True])
@pytest.mark.parametrize("seed", [1, 4])
def test_it_predicts_better_than_the_closed_form(seed: int, is_timed: bool) -> None:
    traces, made = head(seed, is_timed)
    # The same world goes on: its records after those learned from.
    later = world(seed, 800)[500:]
    assert world(seed, 800)[:500] == world(seed)
    weights, column = closed_form(traces.columns, traces.size), traces.columns["what"]
    loss, before, right = [], [], []
    for record in later:
        cue = {name: value for name, value in record.items() if name != "what"}
        general = made.infer(cue, "what")
        assert general is not None
        evidence = [weigh_field(n, traces.columns[n], v, GENERALISATION_WIDTH) for n, v in cue.items()]
        plain = Generaliser(evidence, traces.size, weights, {"what": column}).infer("what", column)
        code = column.find(record["what"])
        loss.append(log_loss(column, general.posterior, record["what"]))
        before.append(log_loss(column, plain.posterior, record["what"]))
        right.append(int(general.posterior.argmax()) == code)
    assert np.mean(loss) < np.mean(before) - 0.02
    assert np.mean(right) > 0.7


def test_a_field_without_a_bearing_hardly_matters() -> None:
    traces, made = head(1)
    for name in NAMES[:5]:
        told = distribution(traces, made, {"who": NAMES[1], "level": 0.4, "odd": name})
        plain = distribution(traces, made, {"who": NAMES[1], "level": 0.4})
        assert max(abs(told[value] - plain[value]) for value in told) < 0.1


def test_a_misspelt_name_is_read_as_the_one_meant() -> None:
    traces, made = head(1)
    plain, misspelt = (distribution(traces, made, {"who": who}) for who in (NAMES[2], NAMES[2].replace("j", "i")))
    assert misspelt == pytest.approx(plain)


def test_a_part_of_an_event_says_nothing_by_its_gaps() -> None:
    traces, _ = fitted(1)
    made = features.FeatureSpace(traces, traces.size, features.grids_of(traces))
    place = [f.name for f in made.all].index("?note")
    whole: Record = {"who": NAMES[1], "level": 0.4, "odd": NAMES[3]}
    assert made.encode(whole, "what").codes[0, place] == 1
    assert made.encode({**whole, "note": "nothing seen"}, "what").codes[0, place] == 2
    assert made.encode({"who": NAMES[1]}, "what").codes[0, place] == 0


def test_values_met_since_share_what_is_kept_for_new_ones() -> None:
    traces = traces_of(world(5, 200))
    learner = CategoricalLearner()
    learned = learner.fit(traces, ("what",), lambda done: None)
    made = learner.attach(traces, 200, learned.parameters)
    traces.append({"who": NAMES[1], "what": "unheard of"}, math.nan, None)
    told = distribution(traces, made, {"who": NAMES[1]})
    assert sum(told.values()) == pytest.approx(1.0)
    assert 0.0 < told["unheard of"] < 0.1


@pytest.mark.parametrize("beside", [{}, {"k": "always"}, {"k": True}])
def test_a_field_that_nothing_tells_of_is_left_alone(beside: Record) -> None:
    traces = traces_of([{"what": NAMES[n % 5], **beside} for n in range(80)])
    assert "what" not in consolidate(traces, lambda stage, done: None, (CategoricalLearner(),)).chosen


def test_what_was_learned_survives_its_bytes() -> None:
    traces = traces_of(world(6, 400))
    learned = consolidate(traces, lambda stage, done: None, (CategoricalLearner(),))
    assert learned.chosen["what"] == "categorical"
    again = Learned.from_bytes(learned.to_bytes())
    schemas = [attach(traces, x) for x in (learned, again)]
    for cue in CUES:
        one, two = (schema.heads["what"].infer(cue, "what") for schema in schemas)
        assert one is not None
        assert two is not None
        assert np.array_equal(one.posterior, two.posterior)


def test_the_judging_episodes_are_those_that_calibration_replays() -> None:
    traces, learned = fitted(1)
    asked = [row for row in holdout.judging(traces) if traces.columns["what"].codes[row] >= 0]
    assert sorted(learned.losses["what"]) == asked


def test_with_times_it_is_judged_by_what_came_after_all_it_knew() -> None:
    late = 375  # a quarter is asked of a small space
    changed = world(3)
    for record in changed[late:]:
        record["what"] = NAMES[(NAMES.index(str(record["what"])) + 1) % 6]
    kept, moved = (traces_of(records, is_timed=True) for records in (world(3), changed))
    learner = CategoricalLearner()
    stays, moves = (learner.fit(traces, ["what"], lambda done: None) for traces in (kept, moved))
    assert min(stays.losses["what"]) >= late
    assert np.mean(list(moves.losses["what"].values())) > np.mean(list(stays.losses["what"].values())) + 0.5
    assert stays.past is not None
    past, now = (learner.attach(kept, late, p).infer({"who": NAMES[0]}, "what") for p in (stays.past, stays.parameters))
    assert past is not None
    assert now is not None
    assert not np.array_equal(past.posterior, now.posterior)
