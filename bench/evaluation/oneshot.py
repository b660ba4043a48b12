"""One odd fact written once and asked at once; and what a write followed by its deletion leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bench.evaluation.laboratory import Laboratory
from bench.evaluation.trial import SEED, Trial

Json = dict[str, Any]
SETS = ("football", "bird_strikes", "clean_hospital", "febrl4", "epbench_default200", "drm")
DRAWS = 100  # a set in which this many in a row are not singled out has no odd facts


def odd_facts(trial: Trial) -> None:
    """An episode that contradicts every regularity, written through the service and asked in the next call."""
    for name in SETS if not trial.is_fast else SETS[2:]:
        records = trial.data(name).episodes("split", "text")
        space = f"{name}_odd"
        trial.laboratory.store(space, records)
        rng = np.random.default_rng(SEED)
        before = _state(trial.laboratory, space, records, 12)
        right, recalled, n = 0, 0, 20 if trial.is_fast else 40
        written, facts = [], []
        for place in range(n):
            trial.report(f"{name} odd")
            cue, target, odd = _singled_out([*records, *facts], rng, place)
            facts.append(odd)
            written.append(f"odd-{place}")
            trial.laboratory.put(space, written[-1], odd)
            reply = trial.laboratory.ask(space, cue, [target])
            value = reply.ranked(target)[0][0]
            right += repr(value) == repr(odd[target])
            assert reply.completion is not None
            recalled += reply.completion.attribution[target].source == "recalled"
        trial.figure("odd_fact", name, "rank 1", right / n, n, ceiling=1.0)
        trial.figure("odd_recalled", name, "labelled recalled", recalled / n, n, ceiling=1.0)
        for episode_id in reversed(written):
            trial.laboratory.delete(space, episode_id)
        same = _state(trial.laboratory, space, records, 12) == before
        trial.figure("write_delete", name, "counts and answers as before, bit for bit", float(same), 12, ceiling=1.0)


def _singled_out(stored: list[Json], rng: np.random.Generator, place: int) -> tuple[Json, str, Json]:
    """(cue, asked field, odd fact): drawn until no stored episode has all of the cue's values.

    Where the value never seen is the asked one, the rest may be true of another episode too, and
    then nothing singles the odd fact out: its cue has no right answer.
    """
    for _ in range(DRAWS):
        odd = _odd(stored, rng, place)
        target = sorted(odd)[place % len(odd)]
        cue = {name: value for name, value in odd.items() if name != target}
        if not any(all(record.get(name) == value for name, value in cue.items()) for record in stored):
            return cue, target, odd
    raise RuntimeError(f"{DRAWS} odd facts drawn, and a stored episode fits the cue of each")


def _odd(records: list[Json], rng: np.random.Generator, place: int) -> Json:
    """Values of different episodes thrown together, one of them never seen."""
    picked = [records[int(i)] for i in rng.integers(0, len(records), 12)]
    names = sorted({name for record in picked for name in record if name != "id"})
    odd: Json = {}
    for name in names:
        able = [record[name] for record in picked if name in record]
        odd[name] = able[int(rng.integers(len(able)))]
    texts = [name for name in names if isinstance(odd[name], str) and not odd[name][:4].isdigit()]
    odd[str(rng.choice(texts))] = f"never seen {place}"
    return odd


def _state(laboratory: Laboratory, space: str, records: list[Json], count: int) -> tuple[Any, ...]:
    """Everything the service says of a few cues, ids, times and revisions aside, and every count."""
    rng = np.random.default_rng(SEED + 1)
    answers = []
    for i in rng.choice(len(records), count, replace=False):
        fields = {k: v for k, v in records[int(i)].items() if k != "id"}
        names = sorted(fields)
        cue = {k: fields[k] for k in names[: max(1, len(names) // 2)]}
        completion = laboratory.ask(space, cue, None).completion
        assert completion is not None
        assert completion.stats is not None
        answers.append(
            repr(
                replace(completion, completion_id="", stats=replace(completion.stats, timings_ms={}, space_revision=0))
            )
        )
    traces = laboratory.memory(space).traces
    counts = {
        name: (column.present, column.distinct, column.counts.tobytes(), column.codes.tobytes(), repr(column.values))
        for name, column in sorted(traces.columns.items())
    }
    return answers, counts, traces.size, traces.times.tobytes()
