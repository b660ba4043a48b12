"""The completion of one cue: ten steps from evidence to an answer, each a read-out of one posterior.

`steps` yields what happens as it happens: `Retrieved`, a `FieldAnswer` per target (the heads know it
before the dynamics settle the whole), a `Sweep` of the attractor at a time, and last the `Answer`;
`complete` runs it to its end. All of it is read from `engine.answer.posterior`, and so is what lies behind an
answer, by `engine.answer.why`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.answer import abstention, attractor
from engine.answer.abstention import RefusalGround
from engine.answer.attractor import Sweep
from engine.answer.confidence import Shares
from engine.answer.interval import ValueInterval, in_terms_of
from engine.answer.posterior import CueInput, Options, Posterior
from engine.answer.schema import Schema
from engine.memory.resolution import tolerance
from engine.memory.traces import Traces
from engine.memory.values import Value


class NotConverged(ArithmeticError):
    """The dynamics met their hard cap, rose in energy, or left the finite numbers."""

    def __init__(self, iterations: int, energy: float, change: float) -> None:
        super().__init__(f"no fixed point after {iterations} sweeps")
        self.iterations, self.energy, self.change = iterations, energy, change


class Retrieved:
    """The first event: how many `episodes` were scored, and the `match`, in [0, 1].

    Which of them compete is worked out for those who ask.
    """

    def __init__(self, posterior: Posterior) -> None:
        self.episodes, self.match = posterior.traces.size, posterior.recollection.match
        self._posterior = posterior

    @property
    def candidates(self) -> int:
        """How many episodes compete."""
        return len(self._posterior.rows)

    @property
    def recollected(self) -> int:
        """Of how many of these the cue itself speaks: they have more than an even share of the recollection."""
        weights = self._posterior.recollection.weights[self._posterior.rows]
        return int((weights * self.episodes > 1.0 + 1e-9).sum())


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """The answer for one target: value, its code, P(right) in [0, 1], its shares, and any ground to refuse it.

    Of a number or time `interval` is where it lies, `tolerance` >= 0 how far from the value another counts as it
    (times: seconds).
    """

    name: str
    value: Value
    code: int
    confidence: float
    shares: Shares
    ground: RefusalGround | None = None
    interval: ValueInterval | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The completion of one cue. Energies in nats, the rest in [0, 1] or counts.

    `suspects` gives per cue field the chance that its own value is wrong, if the cue means a
    stored event; `without_evidence` the cue fields and targets that no episode has. `final` is None where
    the dynamics were not asked for.
    """

    fields: Mapping[str, FieldAnswer]
    without_evidence: tuple[str, ...]
    unseen: tuple[str, ...]
    match: float
    overlap: float
    supplied_nats: float
    needed_nats: float
    energy: tuple[float, ...]
    iterations: int
    converged: bool
    posterior: Posterior = field(repr=False)
    final: Sweep | None = field(repr=False)


def complete(traces: Traces, cue: CueInput, options: Options, schema: Schema) -> Answer:
    """The answer to one cue; raises NotConverged. The space must hold at least one episode."""
    *_, answer = steps(traces, cue, options, schema)
    assert isinstance(answer, Answer)
    return answer


def steps(
    traces: Traces, cue: CueInput, options: Options, schema: Schema
) -> Iterator[Retrieved | FieldAnswer | Sweep | Answer]:
    """The completion as it unfolds; the caller may stop between any two events."""
    posterior = Posterior(traces, cue, options, schema)
    yield Retrieved(posterior)
    answers: dict[str, FieldAnswer] = {}
    for name in posterior.targets:
        answers[name] = _field_answer(posterior, name)
        yield answers[name]
    sweeps: list[Sweep] = []
    for sweep in _settle(posterior, options):
        sweeps.append(sweep)
        yield sweep
    yield _answer(posterior, answers, sweeps)


def _settle(posterior: Posterior, options: Options) -> Iterator[Sweep]:
    """The dynamics, sweep by sweep, where they are asked for; raises NotConverged."""
    if not options.settles:
        return
    sweeps: list[Sweep] = []
    cap = options.max_sweeps if options.max_sweeps is not None else options.hard_cap
    for sweep in attractor.settle(np.log(posterior.row_weights), posterior.local_targets(), cap):
        sweeps.append(sweep)
        _check(sweeps, cap if options.max_sweeps is None else None)
        yield sweep


def _check(sweeps: Sequence[Sweep], hard_cap: int | None) -> None:
    """Raise NotConverged where the dynamics broke their promise."""
    last = sweeps[-1]
    rose = len(sweeps) > 1 and last.energy > sweeps[-2].energy + 1e-9 * max(1.0, abs(last.energy))
    capped = hard_cap is not None and last.iteration >= hard_cap and not last.converged
    if rose or capped or not np.isfinite(last.energy):
        raise NotConverged(last.iteration, last.energy, last.change)


def _answer(posterior: Posterior, answers: Mapping[str, FieldAnswer], sweeps: Sequence[Sweep]) -> Answer:
    traces, cue, options = posterior.traces, posterior.cue, posterior.options
    recollection, last = posterior.recollection, sweeps[-1] if sweeps else None
    unknown = [name for name in (*cue.values, *options.targets) if name not in traces.columns]
    return Answer(
        fields=answers,
        without_evidence=tuple(dict.fromkeys(unknown)),
        unseen=tuple(e.name for e in posterior.evidence if e.is_unseen),
        match=recollection.match,
        overlap=abstention.cue_overlap(recollection.supplied, traces.size),
        supplied_nats=recollection.supplied,
        needed_nats=abstention.needed_nats(traces.size),
        energy=tuple(s.energy for s in sweeps),
        iterations=0 if last is None else last.iteration,
        converged=last is None or last.converged,
        posterior=posterior,
        final=last,
    )


def _field_answer(posterior: Posterior, name: str) -> FieldAnswer:
    decision = posterior.decision(name)
    confidence = min(1.0, posterior.known(name) * posterior.chance(name))
    column = posterior.traces.columns[name]
    value = column.values[decision.code]
    return FieldAnswer(
        name,
        value,
        decision.code,
        confidence,
        decision.shares,
        posterior.refusal_ground(name),
        in_terms_of(column, posterior.interval(name), value),
        tolerance(column),
    )
