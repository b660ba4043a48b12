"""The service in process, over a real store in a temporary folder: import, consolidate, complete."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import engine
from bench.evaluation.cache import Cache
from bench.evaluation.measures import is_right
from recollect import service
from recollect.errors import ConvergenceFailure, InsufficientEvidence
from recollect.memory import SpaceMemory
from recollect.model import (
    CompleteRequest,
    Completion,
    CompletionConfig,
    Cue,
    EpisodeFilter,
    EpisodeInput,
    RecalledEpisode,
    Scope,
    SpaceDraft,
)
from recollect.service.completions import unfold
from recollect.service.runtime import Runtime, open_runtime
from recollect.settings import Settings

Json = dict[str, Any]
THETA_SWEEPS = 7


@dataclass(slots=True)
class Dynamics:
    """What all completions so far showed of the attractor."""

    runs: int = 0
    rises: int = 0
    within_theta: int = 0
    miscounted: int = 0
    failures: int = 0
    sweeps: list[int] = field(default_factory=list)
    traces: list[list[float]] = field(default_factory=list)

    def note(self, completion: Completion) -> None:
        """Count one completion."""
        stats = completion.stats
        if stats is None or not completion.attribution:
            return
        energy = np.array(stats.energy)
        self.runs += 1
        self.rises += bool((np.diff(energy) > 1e-9 * np.maximum(1.0, np.abs(energy[1:]))).any())
        self.within_theta += stats.convergence_achieved and stats.ca3_iterations <= THETA_SWEEPS
        self.miscounted += stats.ca3_iterations != len(energy) - 1
        self.sweeps.append(stats.ca3_iterations)
        if len(self.traces) < 60:
            self.traces.append(energy.tolist())

    def as_json(self) -> Json:
        """The counts, for the cache."""
        return {
            "runs": self.runs,
            "rises": self.rises,
            "within_theta": self.within_theta,
            "miscounted": self.miscounted,
            "failures": self.failures,
            "sweeps": float(np.sum(self.sweeps)) if self.sweeps else 0.0,
            "traces": self.traces,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service said to one cue: a completion with the engine's own answer behind it, or a refusal."""

    completion: Completion | None
    answer: engine.Answer | None
    refusal: InsufficientEvidence | None = None

    @property
    def match(self) -> float:
        """The match confidence."""
        assert self.completion is not None
        assert self.completion.stats is not None
        return self.completion.stats.match_confidence

    def ranked(self, target: str) -> list[tuple[Any, float]]:
        """The values given for a target with their confidences: the winner's first, then the hypotheses'."""
        assert self.completion is not None
        attribution = self.completion.attribution.get(target)
        if attribution is None:
            return []
        others = [(h.fields[target], h.confidence) for h in self.completion.hypotheses if target in h.fields]
        return [(self.completion.fields[target], attribution.confidence), *others]

    def is_right(self, target: str, value: Any, expected: Any) -> bool:
        """Whether a value given for a target counts as what was expected, or as one of several."""
        assert self.answer is not None
        if isinstance(value, list):
            return any(self.is_right(target, item, expected) for item in value)
        accepted = expected if isinstance(expected, list) else [expected]
        return any(is_right(value, truth, self.answer.fields[target].tolerance) for truth in accepted)

    def episode(self, target: str) -> str | None:
        """The episode that carries most of the answer."""
        assert self.completion is not None
        attribution = self.completion.attribution.get(target)
        return attribution.evidence[0].episode_id if attribution and attribution.evidence else None


class Laboratory:
    """One worker's service. Spaces live as long as it does."""

    def __init__(self, runtime: Runtime, loop: asyncio.AbstractEventLoop, cache: Cache) -> None:
        self.runtime, self._loop, self._cache = runtime, loop, cache
        self.dynamics = Dynamics()
        self.learned: dict[str, engine.Learned] = {}

    def store(self, space_id: str, records: Sequence[Mapping[str, Any]], *, dimensions: int | None = None) -> None:
        """A new space with these records, imported as a client would; once per space."""
        if self.runtime.store.get_space(space_id) is not None:
            return
        self._run(service.put_space(self.runtime, Scope(space_id), SpaceDraft(embedding_dimensions=dimensions)))
        report = self._run(service.import_episodes(self.runtime, Scope(space_id), records))
        if report.accepted != len(records):
            raise RuntimeError(f"{len(records) - report.accepted} of {len(records)} records were not taken")

    def consolidate(self, space_id: str) -> None:
        """Let the space learn, as POST /consolidate does; what was learned is kept in the cache."""
        memory = self.memory(space_id)
        if memory.traces.size < engine.MIN_EPISODES:
            return
        blob = self._cache.read_bytes(f"learned-{space_id}")
        if blob is None:
            blob = engine.consolidate(memory.traces, lambda _stage, _done: None).to_bytes()
            self._cache.write_bytes(f"learned-{space_id}", blob)
        self.learned[space_id] = engine.Learned.from_bytes(blob)
        memory.learn(self.learned[space_id], memory.revision)

    def memory(self, space_id: str) -> SpaceMemory:
        """The space in RAM."""
        return self.runtime.memories.at(Scope(space_id))

    def ask(
        self,
        space_id: str,
        cue: Mapping[str, Any],
        targets: Sequence[str] | None,
        *,
        hypotheses: int = 3,
        threshold: float | None = 0.0,
        pattern_weight: float | None = None,
        vector: Sequence[float | None] | None = None,
        verbose: bool = True,
    ) -> Reply:
        """One completion through the service, a verbose one unless only the engine's answer is looked at."""
        request = CompleteRequest(
            Cue(dict(cue), None if vector is None else np.array(vector, dtype="<f4").tobytes()),
            None if targets is None else tuple(targets),
            CompletionConfig(threshold, hypotheses, None, pattern_weight),
            verbose=verbose,
        )
        answer = completion = None
        try:
            for event in unfold(self.runtime, self.memory(space_id), request):
                answer = event if isinstance(event, engine.Answer) else answer
                completion = event if isinstance(event, Completion) else completion
        except InsufficientEvidence as refusal:
            return Reply(None, None, refusal)
        except ConvergenceFailure:
            self.dynamics.failures += 1
            raise
        assert completion is not None
        self.dynamics.note(completion)
        return Reply(completion, answer)

    def recall(
        self, space_id: str, cue: Mapping[str, Any], limit: int = 200, *, exactly: bool = False
    ) -> list[RecalledEpisode]:
        """Plain retrieval through the service; `exactly`: with the cue as the filter too."""
        where = EpisodeFilter(dict(cue) if exactly else {})
        return list(self._run(service.recall(self.runtime, Scope(space_id), Cue(dict(cue)), limit, where)).items)

    def put(self, space_id: str, episode_id: str, fields: Mapping[str, Any]) -> None:
        """Write one episode, replacing the one of this id."""
        episode = EpisodeInput(dict(fields), episode_id)
        self._run(service.put_episode(self.runtime, Scope(space_id), episode_id, episode))

    def delete(self, space_id: str, episode_id: str) -> None:
        """Delete one episode."""
        self._run(service.delete_episode(self.runtime, Scope(space_id), episode_id))

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


@contextmanager
def laboratory(cache: Cache, encoder: str = "") -> Iterator[Laboratory]:
    """A service with an empty store, gone at the end; `encoder` is the folder of its sentence model."""
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="recollect-evaluation-") as folder:
        store = f"sqlite:///{folder}/recollect.db"
        settings = Settings(data=Path(folder), store=store, consolidate="manual", encoder=encoder)
        context = open_runtime(settings)
        runtime = loop.run_until_complete(context.__aenter__())
        try:
            yield Laboratory(runtime, loop, cache)
        finally:
            loop.run_until_complete(context.__aexit__(None, None, None))
            loop.close()
