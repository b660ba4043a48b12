"""Tables of relations: who did what to whom, when - learned evidence between a cue and stored incidences.

The structure is found in the space itself (`structure`): entity fields that share a vocabulary,
a context, a time. Every stored episode is seen from each of its entities (`incidences`); a cue
(anchor a, relation R, time t) is answered by one softmax over the incidences of a and a null,

    P_G(y) ~ [ sum_{k of a} w(R, R_k, dt_k) 1[y = y_k] + kappa_R null(y) ] e^{beta(y)}

w and kappa are learned by maximum likelihood (`rates`), the null is who takes part at all and
the friends of friends (`interaction`), beta what else speaks for y (`features`); a dozen numbers
mixture them (`mixture`). Related in spirit to recurrence baselines for temporal knowledge graphs
(Gastinger et al. 2024) and to TLogic's temporal walks (Liu et al. 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.learning import Fitted, Parameters, Report, judge
from engine.generalisation.relational.features import find_features
from engine.generalisation.relational.incidences import (
    Incidences,
    contexts_from_array,
    contexts_to_array,
    learned_contexts,
    moment,
    worth_asking,
)
from engine.generalisation.relational.interaction import InteractionGraph
from engine.generalisation.relational.mixture import MixtureWeights, choose_replays, direct_evidence, fit_mixture
from engine.generalisation.relational.rates import PairRates, PairRatesFit
from engine.generalisation.relational.structure import Structure, find_structure
from engine.memory import holdout
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import MIN_ASKED, RELATION_REPLAYS, SEED, SHARE_MIXTURE, SHARE_RATES, SMALLEST
from engine.recollection.similarity import chance_nearness, name_nearness


class RelationalLearner:
    """For spaces with two or more fields that draw on one vocabulary."""

    name = "relational"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The entity fields."""
        structure = find_structure(traces)
        return () if structure is None else structure.entities

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Rates and mixture over all incidences. Cost O(pairs of incidences with a common anchor), bounded."""
        structure = find_structure(traces)
        assert structure is not None, "targets() found a structure"
        contexts = learned_contexts(traces, structure)
        incidences = Incidences(traces, traces.size, structure, contexts, None)
        graph = InteractionGraph(incidences)
        asked = holdout.replays(traces)[0]
        is_asked = np.isin(incidences.row, asked)
        replayed = choose_replays(
            graph, worth_asking(incidences, ~is_asked), min(incidences.size // 4, RELATION_REPLAYS), SEED
        )
        held_out = is_asked.copy()
        held_out[replayed] = True
        rates = PairRatesFit(incidences, graph, held_out).run(lambda done: report(SHARE_RATES * done))
        mixture, _ = fit_mixture(
            incidences, graph, rates, replayed, lambda done: report(SHARE_RATES + SHARE_MIXTURE * done)
        )
        parameters = {
            "structure": structure.to_array(),
            "contexts": contexts_to_array(contexts),
            "axis": np.array([incidences.axis.unit, incidences.axis.reach]),
            "weight": np.log(np.maximum(rates.weight, SMALLEST)).astype(np.float16),
            "kappa": rates.kappa,
            "mixture": mixture.to_array(),
        }
        rest = traces.without(holdout.set_apart(traces))
        losses = judge(self.attach(rest, rest.size, parameters), traces, rest, targets)
        return Fitted(parameters, {target: found for target, found in losses.items() if len(found) >= MIN_ASKED})

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> RelationalHead:
        """The head over the first `rows` episodes. Cost O(rows log rows)."""
        unit, reach = parameters["axis"].tolist()
        contexts = contexts_from_array(parameters["contexts"])
        incidences = Incidences(
            traces, rows, Structure.from_array(parameters["structure"]), contexts, (unit, int(reach))
        )
        weight = np.exp(parameters["weight"].astype(np.float32))
        rates = PairRates(weight, parameters["kappa"].astype(np.float64))
        return RelationalHead(traces, incidences, rates, MixtureWeights.from_array(parameters["mixture"]))


class RelationalHead:
    """The incidences of a space's episodes with the learned evidence between them."""

    def __init__(self, traces: Traces, incidences: Incidences, rates: PairRates, mixture: MixtureWeights) -> None:
        self._traces, self._incidences, self._rates, self._mixture = traces, incidences, rates, mixture
        self._graph = InteractionGraph(incidences)

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the cue has neither a known entity nor a known context."""
        incidences, structure = self._incidences, self._incidences.structure
        if target not in structure.entities or target not in self._traces.columns or not incidences.size:
            return None
        context = incidences.context(cue.get(structure.context)) if structure.context else incidences.other
        anchors = self._anchors(cue, target)
        if not anchors and context == incidences.other:
            return None
        relations = [
            context * len(incidences.roles) + role
            for role, (field, wanted) in enumerate(incidences.roles)
            if wanted == target and (field in anchors or not anchors)
        ]
        slot = int(incidences.axis.slot(np.array([moment(cue.get(structure.time) if structure.time else None)]))[0])
        bracket, beta = self._ask(list(anchors.values()), relations, slot)
        return self._read(bracket, beta, target)

    def _anchors(self, cue: Mapping[str, Value], target: str) -> dict[str, int]:
        """The cue's stored entities by field, in the order of the roles."""
        fields = [name for name in self._incidences.structure.entities if name != target and name in cue]
        known = {name: self._entity(name, cue[name]) for name in fields}
        return {name: entity for name, entity in known.items() if entity != MISSING}

    def _entity(self, field: str, value: Value) -> int:
        """The entity of this name, or else the one whose name is nearest, if nearer than names are by chance."""
        entity, column = self._incidences.entity(value), self._traces.columns.get(field)
        if entity != MISSING or column is None or not isinstance(value, str):
            return entity
        near = name_nearness(column, value)[: len(self._incidences.seats[field])]
        if near.max(initial=0.0) <= chance_nearness(value):
            return MISSING
        return int(self._incidences.seats[field][near.argmax()])

    def _ask(self, anchors: Sequence[int], relations: Sequence[int], slot: int) -> tuple[Floats, Floats]:
        """(mass before the schema, schema in nats) of every entity; several anchors speak in sum."""
        incidences, graph = self._incidences, self._graph
        direct, two, three = np.zeros((3, incidences.entities))
        for anchor, relation in zip(anchors, relations, strict=False):
            own = slice(int(incidences.start[anchor]), int(incidences.start[anchor + 1]))
            w = direct_evidence(incidences, self._rates, anchor, relation, slot)
            direct += np.bincount(incidences.partner[own], w, minlength=incidences.entities)
            step2, step3 = graph.walk(anchor)
            two += step2 / len(anchors)
            three += step3 / len(anchors)
        kappa = float(self._rates.kappa[list(relations)].sum())
        bracket = self._mixture.bracket(direct, (graph.background, two, three), kappa)
        asked: Sequence[int | None] = anchors or [None] * len(relations)
        told = [find_features(graph, a, relation, slot) for a, relation in zip(asked, relations, strict=False)]
        return bracket, self._mixture.schema(np.mean(told, axis=0))

    def _read(self, bracket: Floats, beta: Floats, target: str) -> Generalisation:
        """Entities as the target's values; one that never had this seat is none of them."""
        column, seats = self._traces.columns[target], self._incidences.seats[target]
        m = background(column)
        # a value that came after the head was put to use has what a new one has
        mass, schema = m * float(bracket.min()), np.zeros(len(m))
        mass[: len(seats)], schema[: len(seats)] = bracket[seats], beta[seats]
        posterior = mass * np.exp(schema - schema.max())
        return Generalisation(posterior / posterior.sum(), mass, m, schema)
