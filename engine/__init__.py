"""The completion engine: arrays in, arrays out; no I/O, no clock, no state beyond its arguments.

Five rooms; each knows only those to its left, and everybody else knows this page alone:

    memory    <-    recollection    <-    generalisation    <-    answer    <-    consolidation
    columns         similarity            closed_form             posterior       consolidate
    vectors         evidence              attention/              decision        calibration
    traces          coherence             numeric/                attractor       learned
    holdout                               relational/             why             drift, noise

`memory` holds N episodes x_k. Of a cue q with fields O, `recollection` asks which episode it means, by
the evidence of every field, and `generalisation` what events like it go with, by learned weights:

    r_k ~ exp sum_{f in O} l_f(q_f, x_kf)                  l_f = log P(q_f | x_kf) / m_f(q_f)
    P_R(y) = sum_k r_k 1[x_kg = y]
    P_G(y) ~ [ kappa m_g(y) + (1/N) sum_k e^{s_k} 1[x_kg = y] ] e^{beta(y)}

`answer` mixes them by rho, the chance that the cue means a stored event, into the one posterior

    P(y | q) = rho P_R(y) + (1 - rho) P_G(y)

from which every number of an answer is read. `consolidation` replays the episodes and learns the weights.

    traces = Traces(); traces.append({"what": "breakfast", "where": "kitchen"}, nan, None) ...
    answer = complete(traces, CueInput({"what": "breakfast"}), Options(("where",)), attach(traces))
"""

from engine.answer import conformal
from engine.answer.abstention import Advice, RefusalGround
from engine.answer.acting import Acting, act, at_most
from engine.answer.attractor import Sweep
from engine.answer.block import Block
from engine.answer.completion import Answer, FieldAnswer, NotConverged, Retrieved, complete, steps
from engine.answer.confidence import Shares
from engine.answer.conformal import ConformalSet
from engine.answer.contributions import Counterfactual, Reasons, reasons, subsets_asked
from engine.answer.current import Current, current
from engine.answer.decision import is_answer
from engine.answer.interval import ValueInterval
from engine.answer.platt import Platt, platt
from engine.answer.posterior import CueInput, Options
from engine.answer.promise import promise
from engine.answer.readout import Predicted
from engine.answer.recall import Ranked, recall
from engine.answer.schema import Schema
from engine.answer.selection import Selection, select
from engine.answer.statement import ASKED as MOST_ASKED
from engine.answer.statement import Condition, Statement, probability
from engine.answer.why import Explanation, advise, explain
from engine.consolidation import noise, prior
from engine.consolidation.alike import alike
from engine.consolidation.audit import Audited, Suspect, audit
from engine.consolidation.calibration import Outcome, reliability
from engine.consolidation.consolidate import attach, attached_rows, consolidate, has_drifted, outcomes
from engine.consolidation.evaluation import Case, FieldQuality, hold_out, quality
from engine.consolidation.learned import Learned
from engine.consolidation.spelling import changed
from engine.consolidation.twins import Twins, chained, twins
from engine.generalisation.weights import Weights
from engine.memory.meanings import Encoder, Noise
from engine.memory.packed import Packed
from engine.memory.patterns import Pattern, find_patterns, recount
from engine.memory.traces import Traces
from engine.memory.values import (
    Identity,
    Missing,
    canonical,
    folded,
    identity,
    is_day,
    number_of,
    parse_time,
    place,
    plain,
    value_kind,
)
from engine.priors import BINS, CLAIMED, IS_STORED, MAX_ASKED, MIN_EPISODES
from engine.recollection.evidence import NOISE_LEVELS
from engine.recollection.match import Kernels, fit_kernels
from engine.recollection.similarity import closest, closest_names

VERSION = "1.0.0"

__all__ = [
    "BINS",
    "CLAIMED",
    "IS_STORED",
    "MAX_ASKED",
    "MIN_EPISODES",
    "MOST_ASKED",
    "NOISE_LEVELS",
    "VERSION",
    "Acting",
    "Advice",
    "Answer",
    "Audited",
    "Block",
    "Case",
    "Condition",
    "ConformalSet",
    "Counterfactual",
    "CueInput",
    "Current",
    "Encoder",
    "Explanation",
    "FieldAnswer",
    "FieldQuality",
    "Identity",
    "Kernels",
    "Learned",
    "Missing",
    "Noise",
    "NotConverged",
    "Options",
    "Outcome",
    "Packed",
    "Pattern",
    "Platt",
    "Predicted",
    "Ranked",
    "Reasons",
    "RefusalGround",
    "Retrieved",
    "Schema",
    "Selection",
    "Shares",
    "Statement",
    "Suspect",
    "Sweep",
    "Traces",
    "Twins",
    "ValueInterval",
    "Weights",
    "act",
    "advise",
    "alike",
    "at_most",
    "attach",
    "attached_rows",
    "audit",
    "canonical",
    "chained",
    "changed",
    "closest",
    "closest_names",
    "complete",
    "conformal",
    "consolidate",
    "current",
    "explain",
    "find_patterns",
    "fit_kernels",
    "folded",
    "has_drifted",
    "hold_out",
    "identity",
    "is_answer",
    "is_day",
    "noise",
    "number_of",
    "outcomes",
    "parse_time",
    "place",
    "plain",
    "platt",
    "prior",
    "probability",
    "promise",
    "quality",
    "reasons",
    "recall",
    "recount",
    "reliability",
    "select",
    "steps",
    "subsets_asked",
    "twins",
    "value_kind",
]
