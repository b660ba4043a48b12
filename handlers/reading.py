"""Validated JSON into the shared vocabulary. Shapes are the contract's; only vectors still need a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recollect import vectors
from recollect.errors import InvalidRequest, Violation
from recollect.model import (
    AsOf,
    CompleteRequest,
    CompletionConfig,
    Cue,
    EpisodeFilter,
    FillRequest,
    Inclusion,
    MergeReceipt,
    MergeRequest,
    Origin,
    Preference,
    ProbabilityRequest,
    StatedCondition,
)
from recollect.service.admission import escape, read_episode, require_names

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
        include=frozenset(map(Inclusion, body.get("include", ()))),
        as_of=as_of(body),
    )


def as_of(body: Json) -> AsOf | None:
    """By which times an episode was known and had happened that answers."""
    return AsOf(**body["as_of"]) if "as_of" in body else None


def probability_request(body: Json) -> ProbabilityRequest:
    """A ProbabilityRequest."""
    return ProbabilityRequest(
        cue=cue(body["partial_episode"], "/partial_episode"),
        statement=tuple(
            StatedCondition(
                each["field"],
                tuple(each.get("one_of", ())),
                each.get("at_least"),
                each.get("at_most"),
                each.get("negated", False),
            )
            for each in body["statement"]
        ),
        pattern_weight=body.get("pattern_weight"),
        prior_stored=body.get("prior_stored"),
        as_of=as_of(body),
    )


def fill_request(body: Json) -> FillRequest:
    """A FillRequest; null is a blank cell, whichever way the table came."""
    columns = body.get("columns")
    rows = body["rows"] if columns is None else _as_rows(columns)
    for place, row in enumerate(rows):
        require_names(row, f"/rows/{place}" if columns is None else "/columns")
    targets = body.get("targets")
    named = tuple(dict.fromkeys(name for row in rows for name in row))
    return FillRequest(
        rows=[{name: value for name, value in row.items() if value is not None} for row in rows],
        targets=named if targets is None else tuple(targets),
        threshold=body.get("threshold", 0.0),
        target_accuracy=body.get("target_accuracy"),
        may_be_stored=body.get("may_be_stored", False),
    )


def _as_rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """A table by columns as rows; raises InvalidRequest where the columns differ in length."""
    sizes = {name: len(cells) for name, cells in columns.items()}
    size = next(iter(sizes.values()))
    violations = tuple(
        Violation(f"/columns/{escape(name)}", "COLUMN_LENGTH", f"{size} cells", f"{found} cells")
        for name, found in sizes.items()
        if found != size
    )
    if violations:
        raise InvalidRequest(
            f"The columns differ in length: {len(violations)} of {len(sizes)} have not the {size} cells of the first.",
            code="COLUMN_LENGTH",
            context={"cells": size, "columns": len(sizes)},
            violations=violations[:20],
        )
    return [{name: cells[place] for name, cells in columns.items()} for place in range(size)]


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


def merge_request(body: Json) -> MergeRequest:
    """Which episodes to make one."""
    decided = body.get("fields", {})
    require_names(decided, "/fields")
    prefer = Preference(body.get("prefer", Preference.FIRST))
    return MergeRequest(tuple(body["episode_ids"]), prefer, decided, body.get("dry_run", False))


def merge_receipt(body: Json) -> MergeReceipt:
    """A receipt as it was given; what it tells beyond the episodes is not needed to take it back."""
    episodes = tuple(map(read_episode, body["episodes"]))
    return MergeReceipt(body["dry_run"], body["episode_id"], body["revision"], body["fields"], (), episodes)


def embedding(body: Json, at: str, name: str, *, allow_unknown: bool) -> bytes | None:
    """The vector under `name` or, in base64, under `name`_b64."""
    numbers, text = body.get(name), body.get(f"{name}_b64")
    if numbers is not None:
        return vectors.from_numbers(numbers, f"{at}/{name}", allow_unknown=allow_unknown)
    if text is not None:
        return vectors.from_base64(text, f"{at}/{name}_b64", allow_unknown=allow_unknown)
    return None
