"""What speaks for a partner beside the anchor's own views: the clues whose weights the balance learns.

All are nats or logarithms of counts, 0 for an entity that nothing is known of (`interaction`):

    what, when      y takes part in R, and around t
    met, met_so     log(1 + n): the anchor has met y, and in R; what the affinity counts too often or too little
    busy            log(1 + n / 0.1): others have y in R around t
    alike           log(1 + p / 0.0001): those who are like the anchor deal with y
    between         log(1 + p / 0.001): around t somebody deals with both
    itself          1 for the anchor
"""

from __future__ import annotations

import numpy as np

from engine.generalisation.relational.interaction import Participation
from engine.memory.arrays import Floats

CLUES = ("what", "when", "met", "met_so", "busy", "alike", "between", "itself")
BUSY, ALIKE, BETWEEN = 0.1, 1e-4, 1e-3  # as much as nothing


def find_clues(people: Participation, anchor: int | None, relation: int, slot: int, less: int | None = None) -> Floats:
    """float64[clues, E] for a cue, which may have no anchor or an "other" context; `less` as in `Participation`.

    Cost O(E + links + views of the relation).
    """
    found = np.zeros((len(CLUES), people.entities))
    is_other = relation >= people.views.other * len(people.views.roles)
    found[1] = people.when(slot, less)
    if not is_other:
        found[0] = people.what(relation, less)
        found[4] = np.log1p(people.busy(relation, slot, anchor) / BUSY)
    if anchor is None:
        return found
    met, met_so = np.log1p(people.met(anchor, relation, less))
    found[2] = met
    if not is_other:
        found[3] = met_so
    found[5] = np.log1p(people.alike(anchor, less) / ALIKE)
    found[6] = np.log1p(people.between(anchor, slot, less) / BETWEEN)
    found[7, anchor] = 1.0
    return found
