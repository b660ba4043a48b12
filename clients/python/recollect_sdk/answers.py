"""What comes back: completions by field, ranked episodes, filled tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import recollect_client as generated

from recollect_sdk.models import typed


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a completed episode: its value, P(right), and where it came from.

    `detail` is all that the service says of it, by the contract's names. A completed number or time has an `interval`:
    `low`, `high` and the `mass` between them.
    """

    name: str
    value: Any
    confidence: float
    source: str
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    interval: Mapping[str, Any] | None = None

    @property
    def evidence(self) -> list[str]:
        """The ids of the episodes behind it, the weightiest first."""
        return [each["episode_id"] for each in self.detail.get("evidence", ())]


class Completion(Mapping[str, Field]):
    """A completed episode, by field; what the cue gave is in it, with the source `given`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)
        episode, sources = document["completed_episode"], document.get("source_attribution", {})
        self.values_by_field: dict[str, Any] = episode["fields"]
        self.abstained: dict[str, str] = episode.get("abstained", {})
        self.completion_id: str = document["completion_id"]
        self.confidence: float = document["completion_confidence"]
        self._fields = {
            name: Field(
                name,
                value,
                own.get("confidence", self.confidence),
                own.get("source", ""),
                own,
                episode.get("intervals", {}).get(name),
            )
            for name, value in episode["fields"].items()
            for own in (sources.get(name, {}),)
        }

    def __getitem__(self, name: str) -> Field:
        if name in self._fields:
            return self._fields[name]
        reason = self.abstained.get(name)
        raise KeyError(f"{name} was left out: {reason}" if reason else name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Completion {self.values_by_field} {self.confidence:.1%}>"

    @property
    def alternatives(self) -> list[dict[str, Any]]:
        """Other whole episodes that fit the cue, likeliest first."""
        return list(self.document.get("alternative_hypotheses", ()))

    @property
    def why(self) -> dict[str, Any]:
        """What each part of the cue did, by field; of a completion asked to `include=["why"]`."""
        return dict(self.document.get("why", {}))

    @property
    def current(self) -> dict[str, Any]:
        """What the latest episode with all that is known says, by field; of one asked to `include=["current"]`."""
        return dict(self.document.get("current", {}))

    @property
    def model(self) -> generated.CompleteResponse:
        """The answer as the generated client types it."""
        return typed(generated.CompleteResponse, self.document)


@dataclass(frozen=True, slots=True)
class Found:
    """A stored episode as retrieval ranks it; a similarity is no probability."""

    episode: generated.Episode
    similarity: float
    matched_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A table with its gaps filled: the rows, and by row and field how sure the service is of what it filled in.

    `rows`, and `frame` if a data frame came in, have the same rows as what came in; a gap that is not certain
    enough stays one, and `refused` tells by row why nothing could be filled. `notes` tells by column where no stored
    episode has a field of its name, with the nearest that there is.
    """

    rows: list[dict[str, Any]]
    confidence: list[dict[str, float]]
    source: list[dict[str, str]]
    refused: dict[int, str]
    frame: Any = None
    notes: dict[str, str] = field(default_factory=dict)
