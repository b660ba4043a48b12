"""`python -m bench.evaluation.measurements`: numbers and times of new events against boosting, and their intervals.

New events, later ones where the set tells which, with every other field given; LightGBM is trained for the absolute
error, its rounds decided by the newest tenth. Per field: the mean absolute error of both, in its own unit (times:
days) and in standard deviations; how many of the 80 % intervals hold the truth and how much they say they hold; the
mean confidence, how many answers were right, and how many would be by chance. Of tables by lot (`--tables`, as
`mixed` reads them) the cues are theirs, and all fields of a kind are told together.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.baselines import Table
from bench.evaluation.cache import Cache, engine_digest
from bench.evaluation.laboratory import Laboratory, laboratory
from engine import place

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
MOST = 400  # new events of a field
CHANCE_PAIRS = 4000
DAY_S = 86400.0
KINDS = {"number": "numeric", "time": "time", "text": "text"}  # of columns, as `baselines` calls them
SETTINGS: Json = {
    "objective": "l1",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "num_threads": 1,
    "verbose": -1,
    "seed": 0,
}
HEADINGS = ("field", "n", "MAE", "boosting", "in s.d.", "boosting", "cover", "said", "conf", "right", "chance")


@dataclass(frozen=True, slots=True)
class Query:
    """A cue of a new event, the field asked, and its true value."""

    cue: Json
    ask: str
    truth: Any


@dataclass(slots=True)
class Found:
    """What the answers to one field came to; `spread` its standard deviation among the stored, `chance` the share
    of pairs of stored values of which one would be right for the other."""

    spread: float
    chance: float
    error: list[float] = field(default_factory=list)
    boosted: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    said: list[float] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def line(self, name: str) -> str:
        """The figures, as HEADINGS has them."""
        ours, theirs = float(np.mean(self.error)), float(np.nanmean(self.boosted))
        told = [f"{x:.4g}" for x in (ours, theirs)] + [f"{x / self.spread:.3f}" for x in (ours, theirs)]
        shares = [np.mean(x) for x in (self.covered, self.said, self.confidence, self.right)]
        told += [f"{x:.3f}" for x in (*shares, self.chance)]
        return f"{name:<24}{len(self.error):>6}" + "".join(f"{x:>10}" for x in told)


def of_records(folder: Path, kept_back: int) -> tuple[list[Json], list[Json]]:
    """(stored, new) of a set of events: as it says, or the last of them."""
    rows = Dataset(folder).episodes()
    if any("split" in row for row in rows):
        stored, new = ([r for r in rows if (r.get("split") == "test") is is_new] for is_new in (False, True))
    else:
        stored, new = rows[:-kept_back], rows[-kept_back:]
    return [{k: v for k, v in r.items() if k not in ("split", "id")} for r in stored], new


def of_generator(name: str, rows: int, seed: int) -> tuple[list[Json], list[Json]]:
    """(stored, new): `price` depends on size, 30 each, with noise; of `chance` nothing tells anything."""
    rng = random.Random(seed)
    make = {"price": _price, "chance": _chance}[name]
    return [make(rng) for _ in range(rows)], [make(rng) for _ in range(MOST)]


def _price(rng: random.Random) -> Json:
    size = rng.randrange(1, 13)
    return {"size": size, "district": f"d{rng.randrange(8)}", "price": round(30 * size + rng.gauss(0, 20), 2)}


def _chance(rng: random.Random) -> Json:
    return {
        "city": ["Oslo", "Lima", "Bonn", "Kyoto"][rng.randrange(4)],
        "year": rng.randrange(1990, 2024),
        "account": rng.randrange(10**9, 10**10),
        "epoch_ms": 1_700_000_000_000 + rng.randrange(3 * 10**10),
        "longitude": round(rng.uniform(10.0, 11.0), 4),
        "pressure_hpa": round(rng.gauss(1013, 8), 1),
    }


def asked(stored: Sequence[Json], new: Sequence[Json], kinds: dict[str, str]) -> Iterator[Query]:
    """Every number and time of new events with all other fields given, MOST of each; but not when an event was."""
    timed = [
        name for name, kind in kinds.items() if kind == "time" and sum(name in r for r in stored) > len(stored) / 2
    ]
    for name in sorted(n for n, kind in kinds.items() if kind in ("number", "time") and n not in timed[:1]):
        able = [r for r in new if name in r]
        rng = np.random.default_rng(0)
        for i in rng.choice(len(able), min(MOST, len(able)), replace=False):
            yield Query({k: v for k, v in able[i].items() if k not in (name, "id", "split")}, name, able[i][name])


def boosting(stored: Sequence[Json], queries: Sequence[Query], kinds: dict[str, str]) -> Floats:
    """What LightGBM says of the queries, all of one field; NaN for a time."""
    import lightgbm

    ask = queries[0].ask
    if kinds[ask] != "number":
        return np.full(len(queries), np.nan)
    table = Table(list(stored), {n: KINDS.get(kind, "categorical") for n, kind in kinds.items()})
    use = np.array([name != ask for name in table.fields])
    known = [r for r in stored if ask in r]
    rows, y = table.rows(known)[:, use], np.array([float(r[ask]) for r in known])
    named = np.flatnonzero(np.array(table.named)[use]).tolist()
    cut = len(y) - max(5, len(y) // 10)
    data = lightgbm.Dataset(rows[:cut], y[:cut], categorical_feature=named, params=SETTINGS, free_raw_data=False)
    newest = lightgbm.Dataset(rows[cut:], y[cut:], reference=data)
    stop = lightgbm.early_stopping(30, verbose=False)
    rounds = lightgbm.train(SETTINGS, data, 400, [newest], callbacks=[stop]).best_iteration
    model = lightgbm.train(SETTINGS, lightgbm.Dataset(rows, y, categorical_feature=named), int(rounds * 1.1) + 1)
    return np.asarray(model.predict(table.rows([q.cue for q in queries])[:, use]), dtype=np.float64)


def measure(
    lab: Laboratory, space: str, stored: Sequence[Json], queries: Sequence[Query], told_new: float | None
) -> dict[str, Found]:
    """What the service says of the queries, told with `told_new` 1 that they are new, and boosting."""
    memory = lab.memory(space)
    columns = memory.traces.columns
    kinds, found = {n: c.kind for n, c in columns.items()}, {}
    for ask in dict.fromkeys(q.ask for q in queries):
        own, column = [q for q in queries if q.ask == ask], columns.get(ask)
        if column is None or column.kind not in ("number", "time"):
            continue
        numbers = column.numbers[column.codes[column.codes >= 0]]
        unit = DAY_S if column.kind == "time" else 1.0
        made = Found(float(np.nanstd(numbers)) / unit or 1.0, 0.0)
        for query, other in zip(own, boosting(stored, own, kinds), strict=True):
            answer = lab.ask(space, query.cue, [ask], pattern_weight=told_new, verbose=False).answer
            told = None if answer is None else answer.fields.get(ask)
            if told is None or told.interval is None:
                continue
            truth, near = place(query.truth), told.tolerance or 0.0
            made.error.append(abs(place(told.value) - truth) / unit)
            made.boosted.append(abs(float(other) - truth) / unit)
            made.covered.append(place(told.interval.low) <= truth <= place(told.interval.high))
            made.said.append(told.interval.mass)
            made.confidence.append(told.confidence)
            made.right.append(abs(place(told.value) - truth) <= near)
            made.chance = _chance_of(numbers, near)
        found[ask] = made
    return found


def _chance_of(numbers: Floats, near: float) -> float:
    rng, known = np.random.default_rng(0), numbers[np.isfinite(numbers)]
    one, other = rng.choice(known, (2, CHANCE_PAIRS))
    return float((np.abs(one - other) <= near).mean())


def pooled(found: Sequence[dict[str, Found]]) -> Found:
    """All fields of all tables as one, errors in standard deviations."""
    whole = Found(1.0, 0.0)
    for each in (x for fields in found for x in fields.values()):
        whole.error += [e / each.spread for e in each.error]
        whole.boosted += [e / each.spread for e in each.boosted]
        for part in ("covered", "said", "confidence", "right"):
            getattr(whole, part).extend(getattr(each, part))
        whole.chance += each.chance * len(each.error)
    whole.chance /= max(1, len(whole.error))
    return whole


def main() -> None:
    """Print a table for each set, before learning with --unlearned."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.measurements")
    parser.add_argument("sets", nargs="*", default=["football", "bird_strikes", "price", "chance"])
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--rows", type=int, default=600, help="stored rows of a generator")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--unlearned", action="store_true", help="before anything is learned")
    parser.add_argument("--untold", action="store_true", help="without telling that the events are new")
    told = parser.parse_args()
    tables = sorted(p for p in told.tables.iterdir() if p.is_dir()) if told.tables else []
    lots = []
    for name in ([] if tables else told.sets) or tables:
        with laboratory(Cache(f"measurements-{engine_digest()}", reads=False)) as lab:
            if isinstance(name, Path):
                stored = Dataset(name).episodes("id")
                rows = [q for q in Dataset(name).rows("queries.jsonl") if q["new"]]
                queries = [Query(q["cue"], q["ask"], q["truth"]) for q in rows]
            else:
                is_made = name in ("price", "chance")
                stored, new = (
                    of_generator(name, told.rows, told.seed) if is_made else of_records(told.data / name, MOST)
                )
            space = "measured"
            lab.store(space, stored)
            if not told.unlearned:
                lab.consolidate(space)
            if not isinstance(name, Path):
                queries = list(asked(stored, new, {n: c.kind for n, c in lab.memory(space).traces.columns.items()}))
            found = measure(lab, space, stored, queries, None if told.untold else 1.0)
        heads = lab.learned[space].chosen if space in lab.learned else {}
        print(
            f"\n{name}: {len(stored)} stored\n{HEADINGS[0]:<24}{HEADINGS[1]:>6}"
            + "".join(f"{h:>10}" for h in HEADINGS[2:])
        )
        for ask, each in found.items():
            if each.error:
                print(each.line(ask), heads.get(ask, "closed form"), flush=True)
        lots.append(found)
    if tables:
        print("\n" + pooled(lots).line("all tables, in s.d."))


if __name__ == "__main__":
    main()
