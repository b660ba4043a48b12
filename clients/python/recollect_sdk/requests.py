"""One request per operation, as data: both clients send what these functions make.

A `Request` knows how its reply is read, so that a client only has to send it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import recollect_client as generated

from recollect_sdk.answers import Completion, Found
from recollect_sdk.models import reader, typed

BATCH = 256  # requests of one batch, items of one import: the contract's limits
IMPORT = 1000
ANY: Callable[[Any], Any] = lambda document: document  # noqa: E731


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and how the reply's JSON is read; `is_write` asks for an idempotency key."""

    method: str
    path: str
    read: Callable[[Any], Any] = ANY
    space: str | None = None
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_write: bool = False

    def all_headers(self) -> dict[str, str]:
        """The headers, with the space and, for a write, a key under which it counts once however often it is sent."""
        own = {"X-Memory-Space": self.space} if self.space else {}
        if self.is_write:
            own["Idempotency-Key"] = uuid.uuid4().hex
        return {**own, **self.headers}


def completion_request(known: Mapping[str, Any], **asked: Any) -> dict[str, Any]:
    """A CompleteRequest from what the caller said; settings that were not said are left out."""
    cue: dict[str, Any] = {"known_fields": dict(known)} if known else {}
    for name in ("partial_embedding", "cue_strength", "temporal_context"):
        if asked.get(name) is not None:
            cue[name] = asked[name]
    config = dict(asked.get("config") or {})
    for setting, name in (("ca1_threshold", "threshold"), ("coverage", "coverage"), ("prior_stored", "prior_stored")):
        if asked.get(name) is not None:
            config[setting] = asked[name]
    body: dict[str, Any] = {"partial_episode": cue}
    for name in ("targets", "include"):
        if asked.get(name) is not None:
            body[name] = list(asked[name])
    if asked.get("as_of") is not None:
        body["as_of"] = dict(asked["as_of"])
    if config:
        body["config"] = config
    return body


# What `complete(...)` takes by name and is no field.
SETTINGS = frozenset(
    {
        *("targets", "threshold", "coverage", "prior_stored", "include", "as_of", "config"),
        *("partial_embedding", "cue_strength", "temporal_context"),
    }
)


def request_of(known: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    """A CompleteRequest from a mapping of fields, or from names that are fields unless they are settings."""
    fields = {name: value for name, value in named.items() if name not in SETTINGS}
    return completion_request({**(known or {}), **fields}, **{n: v for n, v in named.items() if n in SETTINGS})


def complete(space: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", "/complete", Completion, space, body, {"verbose": "true"})


def complete_batch(space: str, bodies: list[dict[str, Any]]) -> Request:
    return Request(
        "POST", "/complete/batch", lambda found: found["items"], space, {"items": bodies}, {"verbose": "true"}
    )


def complete_stream(space: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", "/complete/stream", space=space, body=body, headers={"Accept": "text/event-stream"})


def probability(space: str, known: Mapping[str, Any], statement: Iterable[Mapping[str, Any]]) -> Request:
    body = {"partial_episode": {"known_fields": dict(known)}, "statement": [dict(each) for each in statement]}
    return Request("POST", "/probability", reader(generated.ProbabilityResponse), space, body)


def recall(space: str, known: Mapping[str, Any], limit: int, where: Mapping[str, Any] | None) -> Request:
    body: dict[str, Any] = {"partial_episode": {"known_fields": dict(known)}, "limit": limit}
    if where is not None:
        body["filter"] = dict(where)
    return Request("POST", "/recall", _found, space, body)


def _found(document: Any) -> list[Found]:
    return [
        Found(typed(generated.Episode, item["episode"]), item["similarity"], tuple(item.get("matched_fields", ())))
        for item in document["items"]
    ]


def create_episode(space: str, fields: Mapping[str, Any], **more: Any) -> Request:
    body = {"fields": dict(fields)} | {name: value for name, value in more.items() if value is not None}
    return Request("POST", "/episodes", reader(generated.Episode), space, body, is_write=True)


def import_episodes(space: str, items: list[dict[str, Any]]) -> Request:
    return Request("POST", "/imports", reader(generated.ImportReport), space, {"items": items}, is_write=True)


def get_episode(space: str, episode_id: str) -> Request:
    return Request("GET", f"/episodes/{quote(episode_id, safe='')}", reader(generated.Episode), space)


def delete_episode(space: str, episode_id: str) -> Request:
    return Request("DELETE", f"/episodes/{quote(episode_id, safe='')}", space=space)


def page_of_episodes(space: str, cursor: str | None) -> Request:
    return Request("GET", "/episodes", space=space, query=_from(cursor))


def page_of_patterns(space: str, cursor: str | None) -> Request:
    return Request("GET", "/patterns", space=space, query=_from(cursor))


def page_of_spaces(cursor: str | None) -> Request:
    return Request("GET", "/spaces", query=_from(cursor))


def _from(cursor: str | None) -> dict[str, str]:
    return {"limit": "200"} | ({"cursor": cursor} if cursor else {})


def forget(space: str, where: Mapping[str, Any], expected_count: int | None, *, dry_run: bool) -> Request:
    body: dict[str, Any] = {"filter": dict(where), "dry_run": dry_run}
    if expected_count is not None:
        body["expected_count"] = expected_count
    return Request("POST", "/forget", reader(generated.ForgetReceipt), space, body, is_write=True)


def duplicates(space: str, least: float, limit: int) -> Request:
    query = {"min_probability": str(least), "limit": str(limit)}
    return Request("GET", "/duplicates", reader(generated.DuplicateList), space, query=query)


def merge(space: str, episode_ids: Iterable[str], fields: Mapping[str, Any] | None, prefer: str) -> Request:
    body: dict[str, Any] = {"episode_ids": list(episode_ids), "prefer": prefer}
    if fields:
        body["fields"] = dict(fields)
    return Request("POST", "/merge", space=space, body=body, is_write=True)


def unmerge(space: str, receipt: Mapping[str, Any]) -> Request:
    return Request("POST", "/merge/undo", reader(generated.Unmerged), space, dict(receipt), is_write=True)


def feedback(space: str, completion_id: str, name: str, **judged: Any) -> Request:
    body = {"completion_id": completion_id, "field": name}
    if judged["right"] is not None:
        body["verdict"] = "right" if judged["right"] else "wrong"
    if judged["true_value"] is not None:
        body["true_value"] = judged["true_value"]
    return Request("POST", "/feedback", reader(generated.Feedback), space, body, is_write=True)


def put_space(space: str, **settings: Any) -> Request:
    body = {name: value for name, value in settings.items() if value is not None}
    return Request("PUT", f"/spaces/{space}", reader(generated.Space), body=body)


def delete_space(space: str) -> Request:
    return Request("DELETE", f"/spaces/{space}")


def stats(space: str) -> Request:
    return Request("GET", f"/spaces/{space}/stats", reader(generated.SpaceStats))


def consolidate(space: str) -> Request:
    return Request("POST", "/consolidate", space=space, body={"wait": True}, is_write=True)


def events(lines: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """Server-sent events by name, with their data, from the lines of a reply."""
    reader = EventReader()
    for line in lines:
        yield from reader.take(line)


class EventReader:
    """Reads server-sent events line by line; comments, which keep the connection open, are passed over."""

    def __init__(self) -> None:
        self._name = ""

    def take(self, line: str) -> Iterable[tuple[str, Any]]:
        """The event that this line ends, if it ends one."""
        if line.startswith("event: "):
            self._name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield self._name, json.loads(line.removeprefix("data: "))
