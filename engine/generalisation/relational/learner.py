"""Tables of relations: who did what to whom, when - learned evidence between a cue and stored views.

The structure is found in the space itself (`structure`): entity fields that share a vocabulary,
a context, a time. Every stored episode is seen from each of its entities (`incidences`); a cue
(anchor a, relation R, time t) is answered by one softmax over the views of a and a null,

    P_G(y) ~ { [ sum_{k of a} w(R, R_k, dt_k) 1[y = y_k] + kappa_R null(y) ] e^{beta(y)} } ^ sharp

w and kappa are learned by maximum likelihood (`rates`), the null is who takes part at all and
the friends of friends (`interaction`), beta what else speaks for y (`features`); a dozen numbers
balance them (`mixture`). Related in spirit to recurrence baselines for temporal knowledge graphs
(Gastinger et al. 2024) and to TLogic's temporal walks (Liu et al. 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.learning import Fitted, Losses, Parameters, Report, log_loss
from engine.generalisation.relational.features import find_clues
from engine.generalisation.relational.incidences import (
    Views,
    contexts_from_array,
    contexts_to_array,
    learned_contexts,
    moment,
    worth_asking,
)
from engine.generalisation.relational.interaction import Participation
from engine.generalisation.relational.mixture import Balance, choose_replays, direct_evidence, fit_balance
from engine.generalisation.relational.rates import Affinity, AffinityFit
from engine.generalisation.relational.structure import Structure, find_structure
from engine.memory import holdout
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.recollection.similarity import chance_nearness, name_nearness

REPLAYS = 3000
SHARE_AFFINITY, SHARE_BALANCE = 0.6, 0.3
SMALLEST = 1e-7  # w is kept as the half-precision logarithm, from here up
MIN_ASKED = 10  # a field that fewer of the held-out episodes have is not judged, so not taken
SEED = 20240601


class RelationalLearner:
    """For spaces with two or more fields that draw on one vocabulary."""

    name = "relational"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The entity fields."""
        structure = find_structure(traces)
        return () if structure is None else structure.entities

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Affinity and balance over all views. Cost O(pairs of views with a common anchor), bounded."""
        structure = find_structure(traces)
        assert structure is not None, "targets() found a structure"
        contexts = learned_contexts(traces, structure)
        views = Views(traces, traces.size, structure, contexts, None)
        people = Participation(views)
        asked = holdout.replays(traces)[0]
        is_asked = np.isin(views.row, asked)
        replayed = choose_replays(people, worth_asking(views, ~is_asked), min(views.size // 4, REPLAYS), SEED)
        held_out = is_asked.copy()
        held_out[replayed] = True
        affinity = AffinityFit(views, people, held_out).run(lambda done: report(SHARE_AFFINITY * done))
        balance, _ = fit_balance(
            views, people, affinity, replayed, lambda done: report(SHARE_AFFINITY + SHARE_BALANCE * done)
        )
        parameters = {
            "structure": structure.to_array(),
            "contexts": contexts_to_array(contexts),
            "axis": np.array([views.axis.unit, views.axis.reach]),
            "weight": np.log(np.maximum(affinity.weight, SMALLEST)).astype(np.float16),
            "kappa": affinity.kappa,
            "balance": balance.to_array(),
        }
        return Fitted(parameters, self._losses(traces, targets, parameters))

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> RelationalHead:
        """The head over the first `rows` episodes. Cost O(rows log rows)."""
        unit, reach = parameters["axis"].tolist()
        contexts = contexts_from_array(parameters["contexts"])
        views = Views(traces, rows, Structure.from_array(parameters["structure"]), contexts, (unit, int(reach)))
        weight = np.exp(parameters["weight"].astype(np.float32))
        affinity = Affinity(weight, parameters["kappa"].astype(np.float64))
        return RelationalHead(traces, views, affinity, Balance.from_array(parameters["balance"]))

    def _losses(self, traces: Traces, targets: Sequence[str], parameters: Parameters) -> dict[str, Losses]:
        """Per target, the log-loss in nats of the judging episodes, by row, of a head without those set apart."""
        rest = traces.without(holdout.set_apart(traces))
        head = self.attach(rest, rest.size, parameters)
        losses: dict[str, Losses] = {}
        for target in targets:
            column, found = rest.columns[target], {}
            for row in holdout.judging(traces):
                fields = traces.fields(row)
                known = {name: value for name, value in fields.items() if name != target}
                general = head.infer(known, target) if target in fields else None
                if general is not None:
                    found[row] = log_loss(column, general.posterior, column.find(fields[target]))
            if len(found) >= MIN_ASKED:
                losses[target] = found
        return losses


class RelationalHead:
    """The views of a space's episodes with the learned evidence between them."""

    def __init__(self, traces: Traces, views: Views, affinity: Affinity, balance: Balance) -> None:
        self._traces, self._views, self._affinity, self._balance = traces, views, affinity, balance
        self._people = Participation(views)

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the cue has neither a known entity nor a known context."""
        views, structure = self._views, self._views.structure
        if target not in structure.entities or target not in self._traces.columns or not views.size:
            return None
        context = views.context(cue.get(structure.context)) if structure.context else views.other
        anchors = self._anchors(cue, target)
        if not anchors and context == views.other:
            return None
        relations = [
            context * len(views.roles) + role
            for role, (field, wanted) in enumerate(views.roles)
            if wanted == target and (field in anchors or not anchors)
        ]
        slot = int(views.axis.slot(np.array([moment(cue.get(structure.time) if structure.time else None)]))[0])
        bracket, beta = self._ask(list(anchors.values()), relations, slot)
        return self._read(bracket, beta, target)

    def _anchors(self, cue: Mapping[str, Value], target: str) -> dict[str, int]:
        """The cue's stored entities by field, in the order of the roles."""
        fields = [name for name in self._views.structure.entities if name != target and name in cue]
        known = {name: self._entity(name, cue[name]) for name in fields}
        return {name: entity for name, entity in known.items() if entity != MISSING}

    def _entity(self, field: str, value: Value) -> int:
        """The entity of this name, or else the one whose name is nearest, if nearer than names are by chance."""
        entity, column = self._views.entity(value), self._traces.columns.get(field)
        if entity != MISSING or column is None or not isinstance(value, str):
            return entity
        near = name_nearness(column, value)[: len(self._views.seats[field])]
        if near.max(initial=0.0) <= chance_nearness(value):
            return MISSING
        return int(self._views.seats[field][near.argmax()])

    def _ask(self, anchors: Sequence[int], relations: Sequence[int], slot: int) -> tuple[Floats, Floats]:
        """(mass before the schema, schema in nats) of every entity; several anchors speak in sum."""
        views, people = self._views, self._people
        direct, two, three = np.zeros((3, views.entities))
        for anchor, relation in zip(anchors, relations, strict=False):
            own = slice(int(views.start[anchor]), int(views.start[anchor + 1]))
            w = direct_evidence(views, self._affinity, anchor, relation, slot)
            direct += np.bincount(views.partner[own], w, minlength=views.entities)
            step2, step3 = people.walk(anchor)
            two += step2 / len(anchors)
            three += step3 / len(anchors)
        kappa = float(self._affinity.kappa[list(relations)].sum())
        bracket = self._balance.bracket(direct, (people.background, two, three), kappa)
        asked: Sequence[int | None] = anchors or [None] * len(relations)
        told = [find_clues(people, a, relation, slot) for a, relation in zip(asked, relations, strict=False)]
        return bracket, self._balance.schema(np.mean(told, axis=0))

    def _read(self, bracket: Floats, beta: Floats, target: str) -> Generalisation:
        """Entities as the target's values; one that never had this seat is none of them."""
        column, seats = self._traces.columns[target], self._views.seats[target]
        m = background(column)
        # a value that came after the head was put to use has what a new one has
        mass, schema = m * float(bracket.min()), np.zeros(len(m))
        mass[: len(seats)], schema[: len(seats)] = bracket[seats], beta[seats]
        mass, schema = mass**self._balance.sharp, schema * self._balance.sharp
        posterior = mass * np.exp(schema - schema.max())
        return Generalisation(posterior / posterior.sum(), mass, m, schema)
