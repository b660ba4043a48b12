"""The completion engine: arrays in, arrays out; no I/O, no clock, no state beyond its arguments.

A cue is scored against every stored episode by a sum of log-likelihood ratios
(`encoding`, `kernels`, `evidence`, `vectors`). Recollection asks which episode the cue means
and whether it means one at all; generalisation (`weights`, `generalisation`) what events like
it go with. `completion` mixes both into one posterior, from which every number of an answer is
read: values and confidences there, the joint completion in `attractor`, sources and doubts in
`attribution` and `explanation`, what is missing in `abstention`.

    traces = Traces(); traces.append({"what": "breakfast", "where": "kitchen"}, nan, None) ...
    answer = complete(traces, CueInput({"what": "breakfast"}), Options(("where",)), attach(traces))
"""

from engine.abstention import Advice, Doubt
from engine.attractor import Sweep
from engine.completion import Answer, FieldAnswer, NotConverged, Retrieved, complete, steps
from engine.consolidation import MIN_EPISODES, attach, consolidate
from engine.encoding import parse_time
from engine.explanation import Explanation, advise, explain
from engine.learning import Learned
from engine.posterior import CueInput, Options
from engine.recall import Ranked, recall
from engine.schema import Schema
from engine.traces import Traces
from engine.weights import Weights

VERSION = "1.0.0"

__all__ = [
    "MIN_EPISODES",
    "VERSION",
    "Advice",
    "Answer",
    "CueInput",
    "Doubt",
    "Explanation",
    "FieldAnswer",
    "Learned",
    "NotConverged",
    "Options",
    "Ranked",
    "Retrieved",
    "Schema",
    "Sweep",
    "Traces",
    "Weights",
    "advise",
    "attach",
    "complete",
    "consolidate",
    "explain",
    "parse_time",
    "recall",
    "steps",
]
