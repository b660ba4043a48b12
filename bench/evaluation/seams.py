"""The ways that are tried on rows that fall short: each is a switch from outside, nothing of the engine is changed.

`WAYS` says what is done instead, and in which tables of `bench.evaluation.ways` it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np

import engine
from bench.evaluation.ablations import PARTS, Seam, with_schema
from engine.answer import decision, posterior
from engine.answer.decision import ranked
from engine.memory.arrays import Floats
from engine.memory.columns import Column
from engine.recollection import evidence
from recollect.memory import SpaceMemory

AS_IS = "as submitted"
STRICTER_NATS = 4.0
LIGHTER, HEAVIER = (0.98, 0.015, 0.005), (0.7, 0.2, 0.1)
RARER = 3.0


@dataclass(frozen=True, slots=True)
class Way:
    """One other way: what is done `instead`, how, and the tables it is tried for.

    `weight` is a `pattern_weight` to ask with.
    """

    instead: str
    tables: tuple[str, ...]
    seam: Seam = nullcontext
    weight: float | None = None


def _with_memory(change: Callable[[SpaceMemory, engine.Schema], engine.Schema]) -> Seam:
    """Every space's schema seen through `change`."""
    original = SpaceMemory.schema
    return lambda: mock.patch.object(SpaceMemory, "schema", lambda memory: change(memory, original(memory)))


def _gate_moved(nats: float) -> Seam:
    """An even prior moved by so many nats towards stored events."""
    return with_schema(lambda s: replace(s, prior_stored=1.0 / (1.0 + math.exp(-nats))))


def _every_head(memory: SpaceMemory, schema: engine.Schema) -> engine.Schema:
    """The best learner's head for every field that one was fitted for, whether it is better than the closed form."""
    learned = memory.learned
    if learned is None:
        return schema
    made = {learned.chosen[target]: head for target, head in schema.heads.items()}
    fitted = {x.target: made[x.learner] for x in learned.losses if x.learner in made}
    return replace(schema, heads={**fitted, **schema.heads})


def _chosen_by(decide: Callable[..., int]) -> Seam:
    return lambda: mock.patch.object(posterior, "decide", decide)


def _likeliest(column: Column, p: Floats, _cells: Floats, _rho: float, _recollected: Floats) -> int:
    return int(ranked(column, p, 1)[0])


def _mean(column: Column, p: Floats, _cells: Floats, _rho: float, _recollected: Floats) -> int:
    """The stored number next to the mean of the posterior; of anything else the likeliest value."""
    known = ~np.isnan(column.numbers) & (column.counts > 0)
    if column.kind != "number" or not known.any():
        return int(ranked(column, p, 1)[0])
    mean = float((p[known] * column.numbers[known]).sum() / max(float(p[known].sum()), 1e-12))
    return int(np.nanargmin(np.where(known, np.abs(column.numbers - mean), np.nan)))


def _rarer_damage() -> AbstractContextManager[Any]:
    """Likenesses and lacking fields a third as often as they are expected."""
    rarer = tuple(
        # The reading of one damaged field takes it as damaged for certain: that is no rate.
        replace(
            level,
            distorted=level.distorted if level.distorted == 1.0 else level.distorted / RARER,
            absent=level.absent / RARER,
        )
        for level in evidence.NOISE_LEVELS
    )
    return mock.patch.object(evidence, "NOISE_LEVELS", rarer)


def _expecting(prior: tuple[float, ...]) -> Seam:
    return with_schema(lambda s: replace(s, noise=prior))


ANSWERS, NUMBERS, FIELDS, DAMAGED, RELATIONS = "answers", "numbers", "fields", "damaged", "relations"
WAYS: dict[str, Way] = {
    AS_IS: Way("the whole engine", (ANSWERS, NUMBERS, FIELDS, DAMAGED, RELATIONS)),
    "recollection alone": Way("`pattern_weight: 0`", (DAMAGED,), weight=0.0),
    "generalisation alone": Way("`pattern_weight: 1`", (ANSWERS, NUMBERS, FIELDS, RELATIONS), weight=1.0),
    "half of either head": Way("`pattern_weight: 0.5`", (ANSWERS, NUMBERS, DAMAGED), weight=0.5),
    "stricter gate": Way(
        f"{STRICTER_NATS:g} nats more for a match", (ANSWERS, NUMBERS, FIELDS, DAMAGED, RELATIONS),
        _gate_moved(-STRICTER_NATS),
    ),
    "laxer gate": Way(
        f"{STRICTER_NATS:g} nats less for a match", (FIELDS, DAMAGED, RELATIONS), _gate_moved(STRICTER_NATS)
    ),
    "closed form": Way("no learned head", (ANSWERS, NUMBERS, RELATIONS), PARTS["learned weights"].seam),
    "no schema": Way("episodes and base rates alone generalise", (ANSWERS,), PARTS["schema"].seam),
    "every learned head": Way(
        "the learned head also where the closed form had the lower loss", (NUMBERS,), _with_memory(_every_head)
    ),
    "likeliest number": Way("the likeliest number instead of the median", (NUMBERS, DAMAGED), _chosen_by(_likeliest)),
    "mean number": Way("the number next to the mean instead of the median", (NUMBERS,), _chosen_by(_mean)),
    "always the median": Way(
        "no recollected number stands out", (DAMAGED,),
        lambda: mock.patch.object(decision, "STANDS_OUT", float("inf")),
    ),
    "lighter damage expected": Way(f"prior of the readings {LIGHTER}", (DAMAGED,), _expecting(LIGHTER)),
    "heavier damage expected": Way(f"prior of the readings {HEAVIER}", (DAMAGED,), _expecting(HEAVIER)),
    "rarer likenesses": Way("likenesses and lacking fields a third as often", (DAMAGED,), _rarer_damage),
}  # fmt: skip
