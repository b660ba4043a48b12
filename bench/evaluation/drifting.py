"""Drift: how often it is seen where the world changed and where it did not, and what learning anew then gives.

A space learns from a random half of its newest events. The other half is the same world; the same half with the
values of some fields exchanged for others is a changed one; the events after all of them are the future, of which
nobody knows whether it changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import engine
from bench.evaluation.gate import traces_of
from bench.evaluation.measures import with_error
from bench.evaluation.records import SETS
from bench.evaluation.trial import SEED, Trial
from engine.consolidation.consolidate import has_drifted
from engine.consolidation.drift import Asked, ask
from recollect.service.drift import FEWEST_NEW

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
NEWEST, FAST_NEWEST = 2_000, 400
NEW, JUDGED = 200, 100  # events stored until the space learns anew, and those asked after that
FAST_NEW, FAST_JUDGED = 60, 20
CHANGED = 3  # fields whose values are exchanged
TITLE = "What seeing a drift is worth"
TOLD = """A space learns from {stored:,} events; batches of {batch} new ones are judged as the service does, and
after {new} new ones it learns anew. *Log-loss*: of {judged} events after those, one to three fields each, all
others given, in nats up to 9.2, by what the space had learned before and by what it learned anew, over the same
stored events; changes are paired by event, with their standard error. *Same*: the other half of the newest events,
so every alarm is a false one. *Changed*: the same events, in three of whose fields each value stands for another.
*Future*: the events that come after."""
COLUMNS = ("set, world", "batches", "alarms", "log-loss, learned before", "change, learned anew")


def drifts(trial: Trial) -> None:
    """One line per set and world."""
    newest, new, judged = (FAST_NEWEST, FAST_NEW, FAST_JUDGED) if trial.is_fast else (NEWEST, NEW, JUDGED)
    lines: list[list[str | float]] = []
    for name in SETS:
        episodes = trial.data(name).rows("episodes.jsonl")
        past, future = ([_fields(e) for e in episodes if e["split"] == split] for split in ("train", "test"))
        order = np.random.default_rng(SEED).permutation(newest)
        halves = [[past[-newest + int(i)] for i in sorted(part)] for part in np.array_split(order, 2)]
        trial.report(f"{name}: learning")
        learned = engine.consolidate(traces_of(halves[0]), _unreported)
        worlds = {"same": halves[1], "changed": exchanged(halves[1]), "future": future[: newest // 2]}
        for world, events in worlds.items():
            trial.report(f"{name}: {world}")
            alarms = _alarms(halves[0], learned, events, 1 if world == "same" else 2)
            before, anew = _losses(halves[0], learned, events, new, judged)
            told = [float(np.mean(alarms)), float(before.mean()), with_error(anew - before)]
            lines.append([f"{name}, {world}", f"{len(alarms)}", *told])
    trial.table(TITLE, TOLD.format(stored=newest // 2, batch=FEWEST_NEW, new=new, judged=judged), COLUMNS, lines)


def exchanged(events: Sequence[Json]) -> list[Json]:
    """The events with the values of CHANGED fields replaced, each by the same other value everywhere."""
    rng = np.random.default_rng(SEED)
    counts = {n: len({e[n] for e in events if n in e}) for n in sorted({n for e in events for n in e})}
    texts = [n for n, count in counts.items() if 1 < count <= len(events) // 4 and _is_text(events, n)]
    made = [dict(event) for event in events]
    for name in rng.permutation(texts)[:CHANGED].tolist():
        values = sorted({event[name] for event in events if name in event})
        shuffled = rng.permutation(values).tolist()
        other = dict(zip(shuffled, shuffled[1:] + shuffled[:1], strict=True))
        for event in made:
            if name in event:
                event[name] = other[event[name]]
    return made


def _is_text(events: Sequence[Json], name: str) -> bool:
    return all(isinstance(event[name], str) for event in events if name in event)


def _fields(episode: Json) -> Json:
    return {k: v for k, v in episode.items() if k not in ("id", "split") and v is not None}


def _alarms(stored: Sequence[Json], learned: engine.Learned, events: Sequence[Json], every: int) -> list[bool]:
    """The verdict on batches of as many new events as the service waits for, one of `every` of them."""
    before = traces_of(stored)
    batches = [events[i : i + FEWEST_NEW] for i in range(0, len(events) - FEWEST_NEW + 1, every * FEWEST_NEW)]
    return [has_drifted(before, learned, batch) for batch in batches]


def _losses(
    stored: Sequence[Json], learned: engine.Learned, events: Sequence[Json], new: int, judged: int
) -> tuple[Floats, Floats]:
    """Per event after the `new` ones, its mean log-loss by what was learned before them and by what was after."""
    memory = traces_of([*stored, *events[:new]])
    anew = engine.consolidate(memory, _unreported)
    asked = events[new : new + judged]
    before, after = (_per_event(list(ask(memory, engine.attach(memory, x), asked))) for x in (learned, anew))
    return before, after


def _per_event(asked: Sequence[Asked]) -> Floats:
    losses: dict[int, list[float]] = {}
    for each in asked:
        losses.setdefault(each.episode, []).append(each.loss)
    return np.array([np.mean(of_one) for of_one in losses.values()])


def _unreported(_stage: str, _done: float) -> None:
    """Progress that nobody is told."""
