"""A cue in which the values of two fields were exchanged: first and last name, home and away, from and to.

Where no stored event has the cue's values as they stand, but each of two values is known in the other's field, the
cue is read so, too, with the chance EXCHANGED beforehand:

    P(q | stored) = (1 - pi) P(q | as it stands) + pi / P sum_{pairs (f, g)} P(q with q_f and q_g exchanged | stored)

Each reading is in units of the chance of its own values, so an exchanged one is put into those of the cue as it stands:
m_g(q_f) m_f(q_g) / (m_f(q_f) m_g(q_g)); a value that its own field never had came from the other's vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from engine.memory.arrays import Floats
from engine.memory.columns import MISSING
from engine.priors import EXCHANGED, RECOLLECTION_WIDTH, TOLD_APART
from engine.recollection.competition import Recollection, logit, match_of
from engine.recollection.evidence import CLEAN, FieldEvidence, weigh_field

Read = Callable[[Sequence[FieldEvidence]], Recollection]


def read_exchanged(evidence: Sequence[FieldEvidence], read: Read, prior_stored: float) -> Recollection:
    """The competition over the cue as it stands and with two of its fields exchanged.

    Cost: another `read` for every pair of fields that share the cue's values, where no event fits it as it stands.
    """
    plain = read(evidence)
    if plain.levels[CLEAN] >= 0.5:
        return plain
    pairs = list(_pairs(evidence))
    if not pairs:
        return plain
    shares, found = [math.log1p(-EXCHANGED) + plain.log_z], [plain]
    for one, other in pairs:
        twins = {one.name: _moved(one, other), other.name: _moved(other, one)}
        found.append(read([twins.get(e.name, e) for e in evidence]))
        units = _units(one, twins[other.name]) + _units(other, twins[one.name])
        shares.append(math.log(EXCHANGED / len(pairs)) + found[-1].log_z + units)
    log_z = float(np.logaddexp.reduce(shares))
    share: Floats = np.exp(np.array(shares) - log_z)
    if share[0] > 1.0 - TOLD_APART:
        return plain
    odds, best = plain.odds + log_z - plain.log_z, int(share.argmax())
    return replace(
        found[best],
        by_kind=np.sum([part * each.weights for part, each in zip(share, found, strict=True)], axis=0),
        counts=np.ones(plain.size),
        kind=None,
        rows=None,
        match=match_of(odds + logit(prior_stored)),
        levels=np.sum([part * each.levels for part, each in zip(share, found, strict=True)], axis=0),
        log_z=log_z,
        odds=odds,
        contradictions=float(sum(part * each.contradictions for part, each in zip(share, found, strict=True))),
        exchanged=(pairs[best - 1][0].name, pairs[best - 1][1].name) if best else None,
    )


def _pairs(evidence: Sequence[FieldEvidence]) -> Iterator[tuple[FieldEvidence, FieldEvidence]]:
    """Fields of names of which each has had the value that the cue gives the other."""
    named = [e for e in evidence if e.column.kind == "category"]
    for one, other in combinations(named, 2):
        if one.value != other.value and _has(one, other) and _has(other, one):
            yield one, other


def _has(one: FieldEvidence, other: FieldEvidence) -> bool:
    code = one.column.find(other.value)
    return code != MISSING and bool(one.column.counts[code] > 0)


def _moved(to: FieldEvidence, of: FieldEvidence) -> FieldEvidence:
    return weigh_field(to.name, to.column, of.value, RECOLLECTION_WIDTH)


def _units(of: FieldEvidence, moved: FieldEvidence) -> float:
    """Nats: how much commoner a value is where it was moved to than where it stands."""
    return 0.0 if of.is_unseen else math.log(moved.m / of.m)
