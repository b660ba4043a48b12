"""What learning how damaged cues are is worth, at several rates of wrong fields.

Cues of half the fields of stored events, each field wrong with a known chance. Some cues are asked for the
workers to count, as with RECOLLECT_CUE_NOISE=learned; then others, under the shipped and under the learned prior.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.ablations import with_schema
from bench.evaluation.laboratory import Laboratory
from bench.evaluation.measures import ece, with_error
from bench.evaluation.records import SETS
from bench.evaluation.removal import Oracle
from bench.evaluation.trial import SEED, Trial
from engine.consolidation import noise
from recollect.service import cuenoise

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
WRONG = (0.0, 0.1, 0.2, 0.35)
NEWEST, FAST_NEWEST, CUES, FAST_CUES, TARGETS = 12_000, 500, 200, 10, 3
FLOOR = 1e-6
TITLE = "What learning how damaged cues are is worth"
TOLD = """The newest {newest:,} stored events, nothing learned of them; cues of half their fields, each wrong with
the chance given. {cues} cues are counted as `RECOLLECT_CUE_NOISE=learned` does, {cues} others asked for up to three
fields each, under the shipped and under the learned prior. Changes are paired by cue, with their standard error."""
COLUMNS = (
    "set, fields wrong", "cues damaged", "taken for damaged", "right, shipped", "change", "ECE, shipped", "learned",
    "log-loss, shipped", "change",
)  # fmt: skip


def learned_noise(trial: Trial) -> None:
    """One line per set and rate of wrong fields."""
    lines = []
    newest, cues = (FAST_NEWEST, FAST_CUES) if trial.is_fast else (NEWEST, CUES)
    with _counting(trial.laboratory):
        for name in SETS:
            records = trial.data(name).episodes("split")[-newest:]
            space = f"{name}_cues"
            trial.laboratory.store(space, records)
            oracle = Oracle(records)
            for wrong in WRONG:
                trial.report(f"{name}: {wrong:.0%} wrong")
                lines.append([f"{name}, {wrong:.0%}", *_line(trial.laboratory, space, records, oracle, wrong, cues)])
    trial.table(TITLE, TOLD.format(newest=newest, cues=cues), COLUMNS, lines)


@contextmanager
def _counting(laboratory: Laboratory) -> Iterator[None]:
    """The service counts cues as long as this lasts."""
    before = laboratory.runtime.settings
    laboratory.runtime.settings = replace(before, cue_noise=cuenoise.LEARNED_FROM_CUES)
    try:
        yield
    finally:
        laboratory.runtime.settings = before


def _line(
    service: Laboratory, space: str, records: Sequence[Json], oracle: Oracle, wrong: float, cues: int
) -> list[str | float]:
    rng = np.random.default_rng(SEED + round(100 * wrong))
    counted, asked = ([_damaged(records, oracle, wrong, rng) for _ in range(cues)] for _ in range(2))
    memory = service.memory(space)
    service.runtime.cues.forget(memory.space.uid)
    service.runtime.cues.take(memory.space.uid)
    for cue, _, _ in counted:
        service.ask(space, cue, ())
    counts = cuenoise.counted(service.runtime, memory)
    assert counts is not None
    prior = noise.prior(counts)
    found = []
    for seam in (nullcontext, with_schema(lambda schema: replace(schema, noise=prior))):
        with seam():
            found.append([np.array(_ask(service, space, cue, hidden)) for cue, hidden, _ in asked])
    rights, losses = zip(*(_per_cue(each) for each in found), strict=True)
    errors = [ece(*np.concatenate(each).T) for each in found]
    return [
        float(np.mean([is_damaged for *_, is_damaged in counted])), 1.0 - prior[0],
        float(rights[0].mean()), with_error(rights[1] - rights[0]), *errors,
        float(losses[0].mean()), with_error(losses[1] - losses[0]),
    ]  # fmt: skip


def _per_cue(answers: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Per cue, the share of its fields that are right and their mean log-loss of being right, in nats."""
    right = np.array([each[:, 1].mean() for each in answers])
    told = [np.where(each[:, 1] > 0.5, each[:, 0], 1.0 - each[:, 0]) for each in answers]
    return right, np.array([-np.log(np.maximum(p, FLOOR)).mean() for p in told])


def _ask(service: Laboratory, space: str, cue: Json, hidden: Json) -> list[tuple[float, float]]:
    """(confidence, right) of every hidden field."""
    reply = service.ask(space, cue, tuple(hidden), hypotheses=0)
    told = {target: reply.ranked(target)[0] for target in hidden}
    return [
        (told[target][1], float(reply.is_right(target, told[target][0], truth))) for target, truth in hidden.items()
    ]


def _damaged(
    records: Sequence[Json], oracle: Oracle, wrong: float, rng: np.random.Generator
) -> tuple[Json, Json, bool]:
    """(half of an event's fields, each wrong with this chance; some of the others; whether any is wrong)."""
    record = records[int(rng.integers(len(records)))]
    fields = {name: value for name, value in record.items() if name != "id"}
    names = rng.permutation(sorted(fields)).tolist()
    kept, hidden = names[: max(2, len(names) // 2)], names[max(2, len(names) // 2) :][:TARGETS]
    cue = {n: oracle.another(n, fields[n], rng) if rng.random() < wrong else fields[n] for n in kept}
    return cue, {n: fields[n] for n in hidden}, any(cue[n] != fields[n] for n in kept)
