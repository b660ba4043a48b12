"""Source monitoring with planted sources: stored once, shared by several events, given by a rule, guessed."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.evaluation.measures import macro_f1
from bench.evaluation.trial import SEED, Trial

Json = dict[str, Any]
KINDS = ("recalled", "reconstructed", "consolidated", "imagined")
WHATS, WHERES, FOLLOWS_RULE = 24, 40, 0.92


def planted_sources(trial: Trial) -> None:
    """A world in which `what` decides `where` by rule, with planted exceptions; where from is asked."""
    world = _World(np.random.default_rng(SEED), trial.sample(range(120), None, 40))
    trial.laboratory.store("planted", world.records)
    trial.laboratory.consolidate("planted")
    expected, found = [], []
    table: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for kind, cue, _ in world.cues:
        trial.report("planted")
        reply = trial.laboratory.ask("planted", cue, ["where"])
        assert reply.completion is not None
        source = str(reply.completion.attribution["where"].source.value)
        expected.append(kind)
        found.append(source)
        table[kind][source] = table[kind].get(source, 0) + 1
    trial.figure("planted", "synthetic", "macro-F1 of the source", macro_f1(expected, found), len(found), baseline=0.1)
    trial.raw["confusion"] = table


class _World:
    """Records and, per planted kind, cues of known provenance."""

    def __init__(self, rng: np.random.Generator, plants: list[int]) -> None:
        self._rng = rng
        self._rule = rng.integers(0, WHERES, WHATS)
        self.records: list[Json] = []
        self.cues: list[tuple[str, Json, str]] = []
        for _ in range(3000):
            self._add(self._event())
        for plant in plants:
            self._once(plant)
            self._shared(plant)
            self._by_rule(plant)
            self._guess(plant)

    def _event(self, **fixed: Any) -> Json:
        rng = self._rng
        what = int(rng.integers(WHATS))
        follows = rng.random() < FOLLOWS_RULE
        event = {
            "what": f"deed {what}",
            "where": f"place {int(self._rule[what]) if follows else int(rng.integers(WHERES))}",
            "who": f"person {int(rng.zipf(1.5)) % 400}",
            "tool": f"tool {int(rng.integers(30))}",
            "mood": f"mood {int(rng.integers(8))}",
        }
        return {**event, **fixed}

    def _add(self, event: Json) -> None:
        self.records.append({"id": f"e{len(self.records)}", **event})

    def _odd_place(self, what: str) -> str:
        """A place that the rule does not give."""
        usual = int(self._rule[int(what.split()[1])])
        return f"place {(usual + 1 + int(self._rng.integers(WHERES - 1))) % WHERES}"

    def _once(self, plant: int) -> None:
        """One odd event, in every third case stored three times alike: still one trace."""
        event = self._event(who=f"visitor {plant}")
        event["where"] = self._odd_place(event["what"])
        for _ in range(3 if plant % 3 == 0 else 1):
            self._add(event)
        self.cues.append(("recalled", {k: v for k, v in event.items() if k != "where"}, event["where"]))

    def _shared(self, plant: int) -> None:
        """Five events of one troupe that share an odd place; the cue is a sixth, with a tool that none of them had."""
        name = f"troupe {plant}"
        place = self._odd_place(f"deed {int(self._rng.integers(WHATS))}")
        events = [self._event(who=name, where=place) for _ in range(5)]
        for event in events:
            self._add(event)
        used = {event["tool"] for event in events}
        tool = next(t for t in (f"tool {n}" for n in range(30)) if t not in used)
        self.cues.append(("reconstructed", {"who": name, "tool": tool}, place))

    def _by_rule(self, plant: int) -> None:
        """A deed whose place the rule gives, by somebody never met with something never used."""
        event = self._event(who=f"stranger {plant}", tool=f"gadget {plant}")
        place = f"place {int(self._rule[int(event['what'].split()[1])])}"
        self.cues.append(("consolidated", {k: event[k] for k in ("what", "who", "tool")}, place))

    def _guess(self, plant: int) -> None:
        """Nothing that tells the place: a mood, in every other case with people and tools never met."""
        event = self._event(who=f"guest {plant}", tool=f"device {plant}")
        names = ("mood", "who", "tool") if plant % 2 else ("mood",)
        self.cues.append(("imagined", {k: event[k] for k in names}, event["where"]))
