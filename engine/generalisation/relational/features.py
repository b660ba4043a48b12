"""What speaks for a partner beside the anchor's own incidences: the features whose weights the mixture learns.

All are nats or logarithms of counts, 0 for an entity that nothing is known of (`interaction`):

    what, when             y takes part in R, and around t
    meetings               log(1 + n): the anchor has met y
    meetings_in_relation   and in R; what the rates count too often or too little
    recent_activity        log(1 + n / 0.1): others have y in R around t
    neighbours_partners    log(1 + p / 0.0001): those who are like the anchor deal with y
    self_loop              1 for the anchor
"""

from __future__ import annotations

import numpy as np

from engine.generalisation.relational.interaction import InteractionGraph
from engine.memory.arrays import Floats
from engine.priors import NEIGHBOURS, RECENT

FEATURES = (
    "what", "when", "meetings", "meetings_in_relation",
    "recent_activity", "neighbours_partners", "self_loop",
)  # fmt: skip


def find_features(
    graph: InteractionGraph, anchor: int | None, relation: int, slot: int, less: int | None = None
) -> Floats:
    """float64[features, E] for a cue, which may have no anchor or an "other" context; `less` as in `InteractionGraph`.

    Cost O(E + links + incidences of the relation).
    """
    found = np.zeros((len(FEATURES), graph.entities))
    is_other = relation >= graph.incidences.other * len(graph.incidences.roles)
    found[1] = graph.when(slot, less)
    if not is_other:
        found[0] = graph.what(relation, less)
        found[4] = np.log1p(graph.recent_activity(relation, slot, anchor) / RECENT)
    if anchor is None:
        return found
    meetings, meetings_in_relation = np.log1p(graph.meetings(anchor, relation, less))
    found[2] = meetings
    if not is_other:
        found[3] = meetings_in_relation
    found[5] = np.log1p(graph.neighbours_partners(anchor, less) / NEIGHBOURS)
    found[6, anchor] = 1.0
    return found
