"""Validated JSON into the shared vocabulary. Shapes are the contract's; only vectors still need a look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recollect import vectors
from recollect.model import CompleteRequest, CompletionConfig, Cue, EpisodeFilter, Origin
from recollect.service.admission import require_names

Json = Mapping[str, Any]


def complete_request(body: Json, *, verbose: bool, at: str = "") -> CompleteRequest:
    """A CompleteRequest; `at` points to where `body` stands in the request."""
    targets = body.get("targets")
    config = body.get("config")
    return CompleteRequest(
        cue=cue(body["partial_episode"], f"{at}/partial_episode"),
        targets=None if targets is None else tuple(targets),
        config=CompletionConfig() if config is None else CompletionConfig(**config),
        verbose=verbose,
    )


def cue(body: Json, at: str) -> Cue:
    """The part of an episode that is known."""
    known = body.get("known_fields", {})
    require_names(known, f"{at}/known_fields")
    return Cue(
        known_fields=known,
        partial_embedding=embedding(body, at, "partial_embedding", allow_unknown=True),
        cue_strength=body.get("cue_strength", 1.0),
        temporal_context=tuple(body.get("temporal_context", ())),
    )


def episode_filter(body: Json) -> EpisodeFilter:
    """Which episodes are meant."""
    origin = body.get("origin")
    fields = body.get("fields", {})
    require_names(fields, "/filter/fields")
    return EpisodeFilter(
        fields=fields,
        occurred_after=body.get("occurred_after"),
        occurred_before=body.get("occurred_before"),
        origin=None if origin is None else Origin(origin),
    )


def embedding(body: Json, at: str, name: str, *, allow_unknown: bool) -> bytes | None:
    """The vector under `name` or, in base64, under `name`_b64."""
    numbers, text = body.get(name), body.get(f"{name}_b64")
    if numbers is not None:
        return vectors.from_numbers(numbers, f"{at}/{name}", allow_unknown=allow_unknown)
    if text is not None:
        return vectors.from_base64(text, f"{at}/{name}_b64", allow_unknown=allow_unknown)
    return None
