"""What answers tell beyond themselves: reasons that add up, sets that cover, statements that are consistent; and
what each costs.

Memories of a thousand episodes of each set, drawn at random; cues of one to three fields of others and of stored
ones, and one in ten of eight fields or more. Of `why` the largest difference between base + contributions and the
log-odds told; of the sets the share of other events whose true value is in them, of every target from two fields, and
their median size as a share of the values or of the range; of a statement and its negation the largest distance of
their sum from 1.
`python -m bench.evaluation.capabilities` measures it alone, `--why` the sums of `why` only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import engine
from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.coldstart import worlds
from bench.evaluation.trial import SEED, Trial
from engine import Block, Condition, CueInput, Options, Schema, Traces, attach, complete, conformal, probability
from engine.answer.contributions import log_odds

Json = dict[str, Any]
STORED, SETS = 1000, ("football", "bird_strikes", "clean_hospital", "concrete")
CUES, FAST_CUES = 10_000, 12
COVERED, FAST_COVERED = 300, 20
CASES, ACT_ON = 100, 0.9
FEW = 7  # fields whose reasons are told one by one
MANY = 0.1  # the share of cues of 8 to 16 fields, as far as an event has them: their reasons are told in groups
DRAWS = 8  # memories drawn for the sets: the coverage of one, over all that is asked, is off by a point by chance
COVERAGES = (0.8, 0.9)
FIGURES = Path(__file__).parents[2] / "docs/evaluation/capabilities.json"
TITLE = "What answers tell beyond themselves"
TOLD = """Memories of 1,000 episodes of each set. Cues of one to three fields, one in ten of eight to sixteen: the
largest error of the sum of `why`, and its median time; the largest distance from 1 of a statement and its negation, and
its time. Sets at 80 and 90 %, of eight memories: the share of new events covered, their median size as a share of all
values or of the range, and the time to calibrate one. Acting on 90 %: the share of new events' answers right from the
threshold on, and the share that reaches it."""
COLUMNS = (
    "set", "cues", "why: error", "ms", "statement: error", "ms", "sets", "80 %: covered", "size", "90 %: covered",
    "size", "ms", "act: accuracy", "share",
)  # fmt: skip


def capabilities(trial: Trial) -> None:
    """One line per set."""
    cues = FAST_CUES if trial.is_fast else CUES // len(SETS)
    covered = FAST_COVERED if trial.is_fast else COVERED
    trial.table(TITLE, TOLD, COLUMNS, list(lines(trial.folder, cues, covered, trial.report)))


def lines(folder: Path, cues: int, covered: int, report: Callable[[str], None]) -> Iterator[list[str | float]]:
    """The lines of the table."""
    for name, stored, new in worlds(folder):
        if name not in SETS:
            continue
        report(name)
        rng = np.random.default_rng(SEED)
        memories = [_dealt([*stored, *new], rng) for _ in range(DRAWS)]
        traces, episodes, new = memories[0]
        asked = [(new if i % 2 else episodes)[int(rng.integers(len(new if i % 2 else episodes)))] for i in range(cues)]
        why, statement = _consistency(traces, attach(traces), asked, rng)
        yield [
            name,
            f"{cues:,}",
            *why,
            *statement,
            *_coverage([(each, others) for each, _, others in memories], covered, rng),
            *_acted_upon(traces, new[:covered]),
        ]


def _acted_upon(traces: Traces, new: list[Json]) -> list[str | float]:
    """(accuracy, share) of the answers to new events from the threshold on that held-out cells give."""
    names = _targets(traces)
    cases = engine.hold_out(traces, attach, fields=names, cases=CASES)
    acting = engine.act(
        np.array([case.confidence for case in cases]), np.array([case.is_right for case in cases], dtype=bool), ACT_ON
    )
    block = Block(traces, attach(traces))
    right = []
    asked = [(event, name) for event in new for name in names if name in event and len(event) > 1]
    for event, name in asked:
        (told,) = block.ask({each: value for each, value in event.items() if each != name}, [name])
        if told.confidence >= acting.threshold:
            right.append(engine.is_answer(traces.columns[name], told.code, event[name]))
    return [float(np.mean(right)) if right else math.nan, len(right) / max(1, len(asked))]


def _dealt(events: list[Json], rng: np.random.Generator) -> tuple[Traces, list[Json], list[Json]]:
    """A memory, its episodes, and the others: shuffled, for a guarantee holds for events of the stored ones' kind."""
    order = rng.permutation(len(events)).tolist()
    size = min(STORED, 2 * len(events) // 3)
    traces = Traces()
    for i in order[:size]:
        traces.append(events[i], math.nan, None)
    return traces, [events[i] for i in order[:size]], [events[i] for i in order[size:]]


def reasons_add_up(folder: Path, cues: int) -> Iterator[tuple[str, int, float, float]]:
    """(set, cues, largest error of the sum of `why`, the same of cues of more than seven fields)."""
    for name, stored, new in worlds(folder):
        if name not in SETS:
            continue
        rng = np.random.default_rng(SEED)
        traces, episodes, others = _dealt([*stored, *new], rng)
        schema, errors, wide = attach(traces), [], []
        for i in range(cues):
            events = others if i % 2 else episodes
            cue, target = _asked(traces, events[int(rng.integers(len(events)))], rng)
            error = _error_of_sum(complete(traces, cue, Options((target,)), schema), target)
            errors.append(error)
            if len(cue.values) > FEW:
                wide.append(error)
        yield name, cues, max(errors), max(wide, default=0.0)


def _asked(traces: Traces, event: Json, rng: np.random.Generator) -> tuple[CueInput, str]:
    """A cue of some fields of an event, and another field."""
    names = rng.permutation(sorted(event.keys() & traces.columns.keys())).tolist()
    known = int(rng.integers(1, 4)) if rng.random() >= MANY else int(rng.integers(8, 17))
    known = min(known, len(names) - 1) or 1
    target = names[known] if len(names) > known else next(n for n in traces.columns if n not in names)
    return CueInput({name: event[name] for name in names[:known]}), target


def _error_of_sum(answer: engine.Answer, target: str) -> float:
    """How far base and contributions are from the log-odds told, in nats."""
    found = engine.reasons(answer, [target])[target]
    total = found.base + sum(each.nats for each in found.contributions)
    return abs(total - log_odds(answer.fields[target].confidence))


def _consistency(
    traces: Traces, schema: Schema, asked: list[Json], rng: np.random.Generator
) -> tuple[list[str | float], list[str | float]]:
    """(largest error of why, its median ms), (largest error of a statement and its negation, its median ms)."""
    errors, times, apart, took = [], [], [], []
    for event in asked:
        cue, target = _asked(traces, event, rng)
        answer = complete(traces, cue, Options((target,)), schema)
        begun = perf_counter()
        errors.append(_error_of_sum(answer, target))
        times.append(perf_counter() - begun)
        begun = perf_counter()
        said = Condition(target, (event.get(target, "never met"),))
        is_so = probability(traces, cue, [said], Options(()), schema).probability
        took.append(perf_counter() - begun)
        negated = Condition(target, said.one_of, negated=True)
        apart.append(abs(is_so + probability(traces, cue, [negated], Options(()), schema).probability - 1.0))
    return _worst(errors, times), _worst(apart, took)


def _worst(errors: list[float], times: list[float]) -> list[str | float]:
    return [f"{max(errors):.0e}", f"{np.median(times) * 1e3:.1f}"]


def _coverage(memories: list[tuple[Traces, list[Json]]], covered: int, rng: np.random.Generator) -> list[str | float]:
    """(targets, per coverage the share covered and the median size, median ms of a calibration)."""
    hits: dict[float, list[bool]] = {c: [] for c in COVERAGES}
    sizes: dict[float, list[float]] = {c: [] for c in COVERAGES}
    times: list[float] = []
    for traces, new in memories:
        block = Block(traces, Schema(attach(traces).weights))
        for target in _targets(traces):
            names = rng.permutation([n for n in _targets(traces, 0) if n != target])[:2].tolist()
            begun = perf_counter()
            given = conformal.scores(block, names, [target])[target]
            times.append(perf_counter() - begun)
            asked = [e for e in new if target in e and all(n in e for n in names)] if len(given.rows) else []
            for i in rng.choice(len(asked), min(covered, len(asked)), replace=False) if asked else ():
                _note(block, asked[i], names, target, given, hits, sizes)
    told: list[str | float] = [f"{len(_targets(memories[0][0]))}"]
    for c in COVERAGES:
        told += [float(np.mean(hits[c])) if hits[c] else math.nan, float(np.median(sizes[c])) if sizes[c] else math.nan]
    return [*told, f"{np.median(times) * 1e3:.0f}"]


def _targets(traces: Traces, fewest: int = 1) -> list[str]:
    """The fields whose values are met again, with more than `fewest` of them."""
    return [n for n, c in traces.columns.items() if 2 * c.distinct < c.present and c.distinct > fewest]


def _note(
    block: Block,
    event: Json,
    names: list[str],
    target: str,
    given: conformal.Scores,
    hits: dict[float, list[bool]],
    sizes: dict[float, list[float]],
) -> None:
    column, cue, truth = block.traces.columns[target], {n: event[n] for n in names}, event[target]
    for coverage in COVERAGES:
        found = conformal.conformal(block, cue, target, given, coverage)
        if found.low is None:
            is_new = column.find(truth) < 0
            hits[coverage].append(found.with_unseen if is_new else truth in found.values)
            sizes[coverage].append(len(found.values) / column.distinct)
        else:
            low, high, own = (engine.place(each) for each in (found.low, found.high, truth))
            hits[coverage].append(low <= own <= high)
            places = column.numbers[~np.isnan(column.numbers)]
            sizes[coverage].append((high - low) / max(1e-300, float(np.ptp(places))))


def figures(found: Sequence[Sequence[str | float]], cues: int) -> dict[str, str]:
    """What the page of features says of the table."""
    covered = [(line[0], float(line[9])) for line in found]
    told = ", ".join(f"{name} {share:.3f}" for name, share in covered)
    acted = ", ".join(f"{line[0]} {float(line[12]):.3f} of {float(line[13]):.2f}" for line in found)
    why, statement = (max(float(line[at]) for line in found) for at in (2, 4))
    return {
        "why": f"largest error of the sum {why:.0e} nats on {cues * len(found):,} random cues",
        "sets": f"new events covered at 90 %: {told}",
        "acting": f"wanted 0.9, right of new events: {acted}",
        "statement": f"a statement and its negation miss 1 by at most {statement:.0e}",
    }


def told_twice(folder: Path) -> str:
    """What is found of people whose records are there a second time, damaged."""
    people, traces, rows = Dataset(folder / "febrl4"), Traces(), {}
    for episode in people.episodes():
        rows[episode.pop("id")] = traces.size
        traces.append(episode, math.nan, None)
    true = set()
    for query in people.rows("queries.jsonl"):
        true.add((rows[query["expected_episode"]], traces.size))
        traces.append(query["cue"], math.nan, None)
    found = {pair.rows for pair in engine.twins(traces, 0.5, 2 * len(true))}
    told = f"{len(found & true):,} of {len(true):,} pairs found, {len(found - true):,} wrong"
    return f"{told}, among {traces.size:,} records of people"


def _why_alone(folder: Path, cues: int) -> str:
    """Print how far the sums are off by set; what the page of features says of it."""
    found = []
    for line in reasons_add_up(folder, cues):
        found.append(line)
        print(f"{line[0]} | {line[1]:,} cues | {line[2]:.0e} nats | of wide ones {line[3]:.0e}", flush=True)
    worst, wide = (max(line[at] for line in found) for at in (2, 3))
    return f"largest error of the sum {worst:.0e} nats on {cues * len(found):,} random cues, {wide:.0e} on wide ones"


def main() -> int:
    """Print the table, and unless it is a fast run write the figures for the page of features."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.capabilities", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    parser.add_argument("--fast", action="store_true", help="a smoke only")
    parser.add_argument("--why", action="store_true", help="whether reasons add up, and nothing else")
    options = parser.parse_args()
    if options.why:
        told = _why_alone(options.data, FAST_CUES if options.fast else CUES // len(SETS))
        if not options.fast:
            kept = json.loads(FIGURES.read_text("utf-8"))
            FIGURES.write_text(json.dumps({**kept, "why": told}, indent=2) + "\n", "utf-8")
        return 0
    cues, covered = (FAST_CUES, FAST_COVERED) if options.fast else (CUES // len(SETS), COVERED)
    print(" | ".join(COLUMNS))
    found = []
    for line in lines(options.data, cues, covered, lambda _: None):
        found.append(line)
        print(" | ".join(f"{each:.3f}" if isinstance(each, float) else each for each in line), flush=True)
    if not options.fast:
        FIGURES.write_text(
            json.dumps({**figures(found, cues), "twins": told_twice(options.data)}, indent=2) + "\n", "utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
