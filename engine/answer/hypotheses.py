"""Alternative hypotheses: other completions of the targets, read from the posterior and the settled dynamics.

Of one target they are the next likeliest values. Of several, each is a whole record of the targets
that some candidate episode has, so what it says fits together: first the record on which the attractor
settled (engine.attractor), then always the one that tells most of the probability untold so far,

    argmax_k sum_g P_g(y_kg) 1[no hypothesis, nor the answer, gives g the value y_kg]

so that a few of them cover as much of what may be true as they can (a greedy maximum coverage is
within 1 - 1/e of the best one: Nemhauser, Wolsey & Fisher 1978).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.answer.completion import Answer, FieldAnswer
from engine.answer.decision import likeliest, same_answer, windows
from engine.answer.posterior import Posterior
from engine.memory.arrays import Codes, Floats
from engine.memory.columns import same_records
from engine.memory.values import Value


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another completion of all targets, with its posterior probability."""

    values: Mapping[str, Value]
    confidence: float


def hypotheses(answer: Answer, wanted: int) -> tuple[Alternative, ...]:
    """At most `wanted` of them, likeliest first, distinct in the targets; with the answer they sum to at most 1."""
    fields = list(answer.fields.values())
    if not wanted or not fields:
        return ()
    found = _values(answer.posterior, fields[0], wanted) if len(fields) == 1 else _records(answer, wanted)
    return tuple(sorted(found, key=lambda each: -each.confidence))


def _values(posterior: Posterior, answer: FieldAnswer, wanted: int) -> list[Alternative]:
    """The next likeliest values; of numbers and times, those that do not count as one another.

    Of a number that is told by its median some may be likelier than it: where that lies is told by its interval, and
    what is listed is no likelier than the answer.
    """
    column = posterior.traces.columns[answer.name]
    left = posterior.known(answer.name) * posterior.probabilities(answer.name)
    told = same_answer(column, answer.code)
    left[told] = 0.0
    found: list[Alternative] = []
    while len(found) < wanted and left.max() > 0.0:
        code = likeliest(column, left, np.where(told, 0.0, windows(column, left)))
        same = same_answer(column, code)
        mass = float(left[same].sum())
        if mass <= answer.confidence:
            found.append(Alternative({answer.name: column.values[code]}, mass))
        left[same] = 0.0
        told |= same
    return found


def _records(answer: Answer, wanted: int) -> list[Alternative]:
    """Whole records of the candidates; what one lacks comes from the answer."""
    posterior, fields = answer.posterior, list(answer.fields.values())
    columns = [posterior.traces.columns[field.name] for field in fields]
    said = np.array([field.code for field in fields], dtype=np.int32)
    codes = np.stack([column.codes[posterior.rows] for column in columns], axis=1)
    codes = np.where(codes >= 0, codes, said)
    which = same_records(codes.T, len(codes))
    records = np.empty((int(which.max()) + 1, len(fields)), dtype=np.int32)
    records[which] = codes
    weight = np.bincount(which, weights=posterior.row_weights).astype(np.float64)
    final = posterior.row_weights if answer.final is None else answer.final.weights
    settled = np.bincount(which, weights=final).astype(np.float64)
    latest = np.zeros(len(records), dtype=np.int64)
    np.maximum.at(latest, which, posterior.rows)
    likely = np.stack([posterior.probabilities(f.name)[records[:, j]] for j, f in enumerate(fields)], axis=1)
    won = (records == said).all(axis=1)
    # What the answer leaves over is shared among the records as the episodes share it.
    left = 1.0 - max(field.confidence for field in fields)
    scale = left / max(1.0 - float(weight[won].sum()), 1e-12)
    return [
        Alternative(
            {f.name: c.values[code] for f, c, code in zip(fields, columns, records[k].tolist(), strict=True)},
            min(float(weight[k] * scale), *_bounds(posterior, fields, records[k].tolist())),
        )
        for k in _cover(records, said, likely, (settled, weight, latest), wanted)
    ]


def _bounds(posterior: Posterior, fields: Sequence[FieldAnswer], record: Sequence[int]) -> Iterator[float]:
    """No record is likelier than any of its values (Frechet), nor told as likelier than what is answered."""
    for field, code in zip(fields, record, strict=True):
        same = same_answer(posterior.traces.columns[field.name], code)
        chance = posterior.known(field.name) * float(posterior.probabilities(field.name)[same].sum())
        yield min(field.confidence, chance)


def _cover(
    records: Codes, said: Codes, likely: Floats, order: tuple[Floats, Floats, npt.NDArray[np.int64]], wanted: int
) -> list[int]:
    """The chosen rows of `records` int32[K, T]: the settled one, then by the probability nobody has told.

    `said` int32[T] is the answer, `likely` float64[K, T] P of every value, `order` the settled weight, the
    weight and the latest episode of every record, which decide in turn between those that tell as much.
    """
    settled, weight, latest = order
    untold, is_open = records != said, (records != said).any(axis=1)
    chosen: list[int] = []
    while len(chosen) < wanted and is_open.any():
        gain = (likely * untold).sum(axis=1) if chosen else settled
        keys = (latest, np.round(weight, 12), np.where(is_open, np.round(gain, 12), -1.0))
        best = int(np.lexsort(keys)[-1])
        chosen.append(best)
        is_open[best] = False
        untold &= records != records[best]
    return chosen
