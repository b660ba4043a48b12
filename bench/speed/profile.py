"""Where the time of a completion goes inside the engine: shares of its steps, told by `cProfile`."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

import engine
from bench.speed.engine import COMMITTED_AT_ONCE
from bench.speed.worlds import records
from engine import CueInput, Options, Schema, Traces
from recollect.model import FieldValue

ASKED, ROUNDS = 40, 3
# Each step by the functions that do it, file and name; what one of them calls is told with it.
STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "weighing the cue's fields": (("recollection/kept.py", "kept_evidence"),),
    "the competition of the episodes, gate included": (("recollection/exchange.py", "read_exchanged"),),
    "what is recollected, by value": (
        ("answer/summing.py", "summed"),
        ("answer/posterior.py", "_recollect"),
        ("answer/summing.py", "recollected"),
    ),
    "generalisation": (("answer/posterior.py", "_generalise"),),
    "decisions and intervals": (
        ("answer/decision.py", "decide"),
        ("answer/decision.py", "same_codes"),
        ("answer/posterior.py", "interval"),
        ("answer/wide.py", "decision"),
    ),
    "grounds to refuse": (("answer/posterior.py", "refusal_ground"),),
    "the dynamics": (("answer/attractor.py", "settle"),),
    "the explanation": (("answer/why.py", "explain"),),
}
KINDS = ("minimal, one known", "minimal, all but one", "verbose, one known")


def table(sizes: Sequence[int], tell: Callable[[str], None]) -> str:
    """The shares of every kind of completion at every size, as Markdown."""
    shares = {}
    for size in sizes:
        tell(f"profile, {size:,} episodes")
        traces = Traces()
        made = list(records(size))
        for begin in range(0, size, COMMITTED_AT_ONCE):
            page = made[begin : begin + COMMITTED_AT_ONCE]
            traces.extend(page, [float("nan")] * len(page), [None] * len(page))
        schema = engine.attach(traces, None)
        shares |= {f"{kind}, {size:,}": _shares(traces, schema, kind) for kind in KINDS}
    head = [f"| | {' | '.join(shares)} |", f"|---|{'--:|' * len(shares)}"]
    rows = [
        f"| {step} | {' | '.join(f'{own[step]:.0%}' for own in shares.values())} |" for step in (*STEPS, "the rest")
    ]
    return "\n".join((*head, *rows))


def _shares(traces: Traces, schema: Schema, kind: str) -> dict[str, float]:
    """The share of each step in the processor time of some completions of a kind, in [0, 1]."""
    work = [_completion(traces, schema, cue, is_verbose=kind.startswith("verbose")) for cue in _cues(traces, kind)]
    for each in work:  # what is kept of a field is there, as it is after the first cues
        each()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(ROUNDS):
        for each in work:
            each()
    profile.disable()
    stats = pstats.Stats(profile)
    whole: float = stats.total_tt  # type: ignore[attr-defined]  # the library declares neither
    spent = {(path, name): own[3] for (path, _, name), own in stats.stats.items()}  # type: ignore[attr-defined]
    found = {
        step: sum(s for (path, name), s in spent.items() if any(path.endswith(p) and name == n for p, n in functions))
        / whole
        for step, functions in STEPS.items()
    }
    return {**found, "the rest": max(0.0, 1.0 - sum(found.values()))}


def _cues(traces: Traces, kind: str) -> Iterator[dict[str, FieldValue]]:
    for row in np.random.default_rng(3).integers(traces.size, size=ASKED).tolist():
        fields = traces.fields(row)
        known = [name for name in fields if name != "product"] if kind.endswith("all but one") else ["person"]
        yield {name: fields[name] for name in known}


def _completion(
    traces: Traces, schema: Schema, cue: dict[str, FieldValue], *, is_verbose: bool
) -> Callable[[], object]:
    options = Options(tuple(name for name in traces.columns if name not in cue), settles=is_verbose)

    def complete() -> object:
        answer = engine.complete(traces, CueInput(cue), options, schema)
        return engine.explain(answer, 3) if is_verbose else answer

    return complete
