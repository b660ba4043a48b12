"""The same generated calls over HTTP and over gRPC: equal results, equal refusals.

Writes go to twin spaces, one per edge, so that both have the same history; what names or times
a reply cannot be equal and is left out.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from recollect.rpc.v1 import completion_pb2, episode_pb2, space_pb2, value_pb2
from tests.rpc import edges as wire
from tests.rpc.conftest import PEOPLE, PLACES, meals, run
from tests.rpc.edges import SPACE, Edges, Failure, failure

CALLS = 2400
SEED = 20260304
CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    422: "FAILED_PRECONDITION",
    500: "INTERNAL",
}
VALUES: dict[str, Callable[[random.Random], Any]] = {
    "what": lambda r: r.choice([*PLACES, "brunch", "", "ß" * r.randint(1, 3)]),
    "where": lambda r: r.choice([*PLACES.values(), "moon"]),
    "who": lambda r: r.choice(PEOPLE),
    "minutes": lambda r: r.choice([20, 30, 25, 20.0, "20", -(2**63), 2**63 - 1]),
    "rating": lambda r: r.choice([3.0, 3, 3.5, 1e300, 0.1]),
    "warm": lambda r: r.choice([True, False, "true", 1]),
    "with": lambda r: [r.choice([*PEOPLE, 3, 3.0, True]) for _ in range(r.randint(0, 3))],
    "mood": lambda r: r.choice(["fine", "low"]),
}
BAD_VALUES = [float("nan"), float("inf"), "a\x00b", "x" * 32_769, ["a"] * 1025, [1, float("nan")]]
BAD_NAMES = ["", "n" * 129, "a\x00b"]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    for started in run(Edges(tmp_path_factory.mktemp("twins"))):
        for space in ("twin-http", "twin-grpc"):
            started.remember(space, meals(40))
        for space in ("still-http", "still-grpc"):
            started.remember(space, meals(5))
            assert started.request("PATCH", f"/spaces/{space}", json={"read_only": True}).status_code == 200
        yield started


def some_fields(r: random.Random, most: int = 4) -> dict[str, Any]:
    names = r.sample(sorted(VALUES), r.randint(0, most))
    found = {name: VALUES[name](r) for name in names}
    if r.random() < 0.06:
        found["what"] = r.choice(BAD_VALUES)
    if r.random() < 0.03:
        found[r.choice(BAD_NAMES)] = "here"
    return found


def some_cue(r: random.Random) -> dict[str, Any]:
    cue: dict[str, Any] = {"known_fields": some_fields(r)}
    if r.random() < 0.4:
        cue["partial_embedding"] = [r.choice([None, 1.0, 0.5, -2.25]) for _ in range(r.choice([8, 8, 8, 8, 7, 9]))]
    if r.random() < 0.3:
        cue["cue_strength"] = r.choice([0.0, 0.5, 1.0, 1, 1.01, -0.5])
    if r.random() < 0.2:
        cue["temporal_context"] = r.choice([["ep_3"], ["2026-03-04T08:00:00Z", "ep_9"], ["x" * 129], [""], ["a"] * 17])
    return cue


def some_question(r: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"partial_episode": some_cue(r)}
    if r.random() < 0.02:
        del body["partial_episode"]
    if r.random() < 0.5:
        body["targets"] = r.choice(
            [["where"], ["who", "minutes"], ["nowhere"], ["where", "where"], ["what"], ["", "who"]]
        )
    if r.random() < 0.05:
        body["include"] = r.sample(["why", "counterfactual", "ask_next", "current"], r.randint(0, 4))
    if r.random() < 0.1:
        body["as_of"] = some_moments(r)
    if r.random() < 0.6:
        choices = {
            "ca1_threshold": [0.0, 0.3, 0.9, 1.0, 1.5],
            "num_hypotheses": [0, 1, 10, 50, 51, -1],
            "max_iterations": [1, 2, 7, 50, 0, 51],
            "pattern_weight": [0.0, 0.5, 1.0, 2.0],
            "prior_stored": [0.0, 0.2, 0.5, 1.0, -0.1, 2.0],
            "coverage": [0.5, 0.8, 0.9, 0.99, 1.0, 0.4],
        }
        body["config"] = {
            name: r.choice(choices[name][: 4 + (r.random() < 0.1) * 2]) for name in r.sample(sorted(choices), 2)
        }
    return body


def some_moments(r: random.Random) -> dict[str, Any]:
    moments = ["2026-03-10T08:00:00Z", "2026-03-10T08:00:00+02:00", "2090-01-01T00:00:00Z", "some day or other"]
    names = r.sample(["known_by", "happened_by"], r.randint(0, 2))
    return {name: r.choice(moments[: 3 + (r.random() < 0.1)]) for name in names}


def some_episode(r: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"fields": some_fields(r, 6) or {"what": "walk"}}
    if r.random() < 0.3:
        body["embedding"] = [r.uniform(-1, 1) for _ in range(r.choice([8, 8, 8, 5]))]
    if r.random() < 0.3:
        body["occurred_at"] = r.choice(
            ["2026-03-04T08:00:00Z", "2026-03-04T08:00:00+02:00", "yesterday, at eight o'clock"]
        )
    if r.random() < 0.2:
        body["origin"] = r.choice(["observed", "reconstructed"])
    if r.random() < 0.2:
        body["metadata"] = r.choice([{"a": "b"}, {"a": "x" * 1025}, {f"k{i}": "v" for i in range(65)}])
    return body


class Pair:
    """Makes one call over each edge and gives both outcomes in the same terms."""

    def __init__(self, edges: Edges, r: random.Random) -> None:
        self.edges, self.r = edges, r
        self.spaces = r.choices(
            [("twin-http", "twin-grpc"), ("still-http", "still-grpc"), ("none", "none"), ("No", "No")], [90, 6, 3, 1]
        )[0]

    def http(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = None if body is None else json.dumps(body)
        sent = {SPACE: self.spaces[0], "content-type": "application/json", **headers}
        if body is None:
            del sent["content-type"]
        reply = self.edges.request(method, path, content=content, headers=sent)
        assert reply.status_code != 500, reply.text
        if reply.status_code >= 400:
            return refusal(CODES[reply.status_code], reply.json()["code"])
        return reply.json() if reply.content else {}

    def grpc(self, method: Any, message: Any) -> Any:
        try:
            return method(message, metadata=((SPACE, self.spaces[1]),))
        except grpc.RpcError as error:
            return refusal(failure(error).code, failure(error).reason)

    # One method per kind of call: both outcomes, or the name of both's refusal.

    def complete(self) -> tuple[Any, Any]:
        body, verbose = some_question(self.r), self.r.random() < 0.5
        over_http = self.http("POST", f"/complete?verbose={str(verbose).lower()}", body)
        over_grpc = self.grpc(self.edges.completion.Complete, wire.question(body, verbose=verbose))
        return bare(over_http), over_grpc if isinstance(over_grpc, str) else wire.plain_completion(
            over_grpc, verbose=verbose
        )

    def complete_stream(self) -> tuple[Any, Any]:
        body = some_question(self.r)
        over_http = self.stream_http(body)
        try:
            message = wire.question(body, completion_pb2.CompleteStreamRequest)
            events = list(self.edges.completion.CompleteStream(message, metadata=((SPACE, self.spaces[1]),)))
        except grpc.RpcError as error:
            return over_http, refusal(failure(error).code, failure(error).reason)
        names = [event.WhichOneof("event") for event in events]
        return over_http, (names, wire.plain_completion(events[-1].final_result, verbose=True))

    def stream_http(self, body: Any) -> Any:
        sent = {SPACE: self.spaces[0], "content-type": "application/json"}
        reply = self.edges.request("POST", "/complete/stream", content=json.dumps(body), headers=sent)
        if reply.status_code >= 400:
            return refusal(CODES[reply.status_code], reply.json()["code"])
        events = [dict(line.split(": ", 1) for line in part.split("\n")) for part in reply.text.strip().split("\n\n")]
        last = json.loads(events[-1]["data"])
        if events[-1]["event"] == "problem":
            return refusal(CODES[last["status"]], last["code"])
        return [event["event"] for event in events], bare(last)

    def complete_batch(self) -> tuple[Any, Any]:
        items = [some_question(self.r) for _ in range(self.r.choice([0, 1, 2, 3]))]
        over_http = self.http("POST", "/complete/batch?verbose=true", {"items": items})
        message = completion_pb2.CompleteBatchRequest(items=[wire.question(each, verbose=True) for each in items])
        over_grpc = self.grpc(self.edges.completion.CompleteBatch, message)
        if isinstance(over_http, dict):
            over_http = [
                bare(each.get("result")) or refusal(CODES[each["status"]], each["problem"]["code"])
                for each in over_http["items"]
            ]
        if not isinstance(over_grpc, str):
            over_grpc = [
                wire.plain_completion(each.result, verbose=True)
                if each.HasField("result")
                else refusal(grpc_name(each.problem.code), Failure("", each.problem, {}).reason)
                for each in over_grpc.items
            ]
        return over_http, over_grpc

    def probability(self) -> tuple[Any, Any]:
        body: dict[str, Any] = {"partial_episode": some_cue(self.r), "statement": []}
        for _ in range(self.r.choice([1, 1, 2, 2, 3, 0, 5])):
            name = self.r.choice([*sorted(VALUES), "nowhere"])
            kind = self.r.choice(["one_of", "one_of", "at_least", "at_most", "nothing"])
            condition: dict[str, Any] = {"field": name}
            if kind == "one_of":
                condition["one_of"] = [VALUES.get(name, VALUES["what"])(self.r) for _ in range(self.r.randint(1, 3))]
            elif kind != "nothing":
                condition[kind] = self.r.choice([20, 3.5, "2026-03-04T08:00:00Z", "soon"])
            if self.r.random() < 0.3:
                condition["negated"] = True
            body["statement"].append(condition)
        message = wire.statement(body)
        over_http, over_grpc = (
            self.http("POST", "/probability", body),
            self.grpc(self.edges.completion.Probability, message),
        )
        return over_http, over_grpc if isinstance(over_grpc, str) else wire.plain_statement(over_grpc)

    def recall(self) -> tuple[Any, Any]:
        body: dict[str, Any] = {"partial_episode": some_cue(self.r)}
        limit = self.r.choice([None, 1, 5, 200, 0, 201])
        if limit is not None:
            body["limit"] = limit
        if self.r.random() < 0.3:
            body["filter"] = self.r.choice(
                [{"fields": {"who": "ann"}}, {"occurred_after": "2026-03-10T00:00:00Z"}, {"origin": "observed"}]
            )
        message = episode_pb2.RecallRequest(partial_episode=wire.partial(body["partial_episode"]), limit=limit)
        if "filter" in body:
            message.filter.CopyFrom(wire.episode_filter(body["filter"]))
        over_http, over_grpc = self.http("POST", "/recall", body), self.grpc(self.edges.episodes.Recall, message)
        if isinstance(over_http, dict):
            over_http = [{**each, "episode": timeless(each["episode"])} for each in over_http["items"]]
        if not isinstance(over_grpc, str):
            over_grpc = [
                {
                    "episode": wire.plain_episode(each.episode),
                    "similarity": each.similarity,
                    "matched_fields": list(each.matched_fields),
                }
                for each in over_grpc.items
            ]
        return over_http, over_grpc

    def create_episode(self) -> tuple[Any, Any]:
        body = {**some_episode(self.r), "id": self.r.choice([f"ep_{self.r.randint(0, 120)}", "bad id", "x" * 129])}
        over_http = self.http("POST", "/episodes", body)
        message = episode_pb2.CreateEpisodeRequest(episode=wire.episode_input(body))
        return timeless(over_http), self.written(self.edges.episodes.CreateEpisode, message)

    def put_episode(self) -> tuple[Any, Any]:
        name, body = f"ep_{self.r.randint(0, 120)}", some_episode(self.r)
        headers, condition = self.condition(name)
        over_http = self.http("PUT", f"/episodes/{name}", body, **headers)
        message = episode_pb2.PutEpisodeRequest(episode_id=name, episode=wire.episode_input(body), condition=condition)
        return timeless(over_http), self.written(self.edges.episodes.PutEpisode, message)

    def delete_episode(self) -> tuple[Any, Any]:
        name = f"ep_{self.r.randint(0, 120)}"
        headers, condition = self.condition(name)
        over_http = self.http("DELETE", f"/episodes/{name}", **headers)
        message = episode_pb2.DeleteEpisodeRequest(episode_id=name, condition=condition)
        over_grpc = self.grpc(self.edges.episodes.DeleteEpisode, message)
        return over_http, over_grpc if isinstance(over_grpc, str) else {}

    def get_episode(self) -> tuple[Any, Any]:
        name = self.r.choice([f"ep_{self.r.randint(0, 120)}", "ep_none", "bad%20id"])
        message = episode_pb2.GetEpisodeRequest(episode_id=name.replace("%20", " "))
        over_http = self.http("GET", f"/episodes/{name}")
        return timeless(over_http), self.written(self.edges.episodes.GetEpisode, message)

    def list_episodes(self) -> tuple[Any, Any]:
        limit, cursor = self.r.choice([1, 7, 1000, 0, 1001]), self.r.choice([None, None, None, "abc", "a b"])
        query = f"?limit={limit}" + (f"&cursor={cursor.replace(' ', '%20')}" if cursor else "")
        over_http = self.http("GET", f"/episodes{query}")
        over_grpc = self.grpc(
            self.edges.episodes.ListEpisodes, episode_pb2.ListEpisodesRequest(limit=limit, cursor=cursor)
        )
        if isinstance(over_http, dict):
            over_http = [timeless(each) for each in over_http["items"]], over_http["next_cursor"] is None
        if not isinstance(over_grpc, str):
            over_grpc = [wire.plain_episode(each) for each in over_grpc.items], not over_grpc.HasField("next_cursor")
        return over_http, over_grpc

    def get_space(self) -> tuple[Any, Any]:
        over_http = self.http("GET", f"/spaces/{self.spaces[0]}")
        over_grpc = self.grpc(self.edges.spaces.GetSpace, space_pb2.GetSpaceRequest(space_id=self.spaces[1]))
        if isinstance(over_http, dict):
            over_http = {k: v for k, v in over_http.items() if k not in {"space_id", "created_at", "updated_at"}}
            over_http["incarnation"] = bool(over_http["incarnation"])  # two spaces have two
        return over_http, over_grpc if isinstance(over_grpc, str) else wire.plain_space(over_grpc.space)

    def patch_space(self) -> tuple[Any, Any]:
        body = self.r.choice(
            [
                {"schema": {"mood": "text"}},
                {"schema": {"mood": None}},
                {"description": "d"},
                {"description": "d" * 1025},
                {"embedding_dimensions": 5},
            ]
        )
        over_http = self.http("PATCH", f"/spaces/{self.spaces[0]}", body)
        patch = space_pb2.SpacePatch(**{k: v for k, v in body.items() if k != "schema"})
        for name, kind in body.get("schema", {}).items():
            patch.schema[name] = space_pb2.FIELD_TYPE_TEXT if kind else space_pb2.FIELD_TYPE_UNSPECIFIED
        over_grpc = self.grpc(
            self.edges.spaces.PatchSpace, space_pb2.PatchSpaceRequest(space_id=self.spaces[1], patch=patch)
        )
        if isinstance(over_http, dict):
            over_http = {k: v for k, v in over_http.items() if k not in {"space_id", "created_at", "updated_at"}}
            over_http["incarnation"] = bool(over_http["incarnation"])  # two spaces have two
        return over_http, over_grpc if isinstance(over_grpc, str) else wire.plain_space(over_grpc.space)

    def written(self, method: Any, message: Any) -> Any:
        outcome = self.grpc(method, message)
        return outcome if isinstance(outcome, str) else wire.plain_episode(outcome.episode)

    def condition(self, name: str) -> tuple[dict[str, str], value_pb2.Condition | None]:
        kind = self.r.choice([None, None, None, "exists", "missing", "stale", "right"])
        if kind == "exists":
            return {"if-match": "*"}, value_pb2.Condition(exists=True)
        if kind == "missing":
            return {"if-none-match": "*"}, value_pb2.Condition(exists=False)
        if kind == "stale":
            return {"if-match": '"3-000000000000"'}, value_pb2.Condition(revision=3)
        if kind == "right" and self.spaces[0] == "twin-http":
            stored = self.edges.request("GET", f"/episodes/{name}", headers={SPACE: "twin-http"})
            if stored.status_code == 200:
                revision = stored.json()["revision"]
                return {"if-match": stored.headers["etag"]}, value_pb2.Condition(revision=revision)
        return {}, None


WEIGHTS = {
    "complete": 8,
    "complete_stream": 3,
    "complete_batch": 2,
    "recall": 3,
    "probability": 1,
    "create_episode": 2,
    "put_episode": 2,
    "delete_episode": 1,
    "get_episode": 2,
    "list_episodes": 1,
    "get_space": 1,
    "patch_space": 0.4,
}


@pytest.mark.slow
def test_generated_calls_give_the_same_over_both_edges(twins: Edges) -> None:
    r = random.Random(SEED)
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(CALLS):
        kind = r.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        over_http, over_grpc = getattr(Pair(twins, r), kind)()
        assert over_http == over_grpc, f"call {number} ({kind}) of seed {SEED}"
        seen[kind, over_http if isinstance(over_http, str) else "OK"] += 1
    for kind in WEIGHTS:
        assert seen[kind, "OK"] >= 5, f"{kind} hardly ever succeeded: {seen}"
    classes = Counter(outcome.split(" ")[0] for (_, outcome), count in seen.items() for _ in range(count))
    assert set(classes) >= {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "FAILED_PRECONDITION"}


def test_a_name_given_twice_is_refused_on_both_edges(edges: Edges) -> None:
    body = '{"partial_episode":{"known_fields":{"what":"breakfast","what":"lunch"}}}'
    sent = {SPACE: "diary", "content-type": "application/json"}
    assert edges.request("POST", "/complete", content=body, headers=sent).status_code == 400
    twice = [*wire.fields({"what": "breakfast"}), *wire.fields({"what": "lunch"})]
    message = completion_pb2.CompleteRequest(partial_episode=completion_pb2.PartialEpisode(known_fields=twice))
    with pytest.raises(grpc.RpcError) as refused:
        edges.completion.Complete(message, metadata=((SPACE, "diary"),))
    assert failure(refused.value).code == "INVALID_ARGUMENT"


def refusal(code: str, reason: str) -> str:
    """What the edges must agree on: the class, and the problem too unless it is the form of the request."""
    return code if code == "INVALID_ARGUMENT" else f"{code} {reason}"


def grpc_name(number: int) -> str:
    return next(code.name for code in grpc.StatusCode if code.value[0] == number)


def bare(document: Any) -> Any:
    """A completion without what names or times this one."""
    if not isinstance(document, dict):
        return document
    document = {name: part for name, part in document.items() if name != "completion_id"}
    if "reconstruction_stats" in document:
        stats = document["reconstruction_stats"]
        document["reconstruction_stats"] = {name: part for name, part in stats.items() if name != "timings_ms"}
    if "embedding" in document["completed_episode"]:
        document["completed_episode"]["embedding"] = float32(document["completed_episode"]["embedding"])
    return document


def timeless(document: Any) -> Any:
    """An episode without the times of its writing."""
    if not isinstance(document, dict):
        return document
    document = {name: part for name, part in document.items() if name not in {"created_at", "updated_at"}}
    if "embedding" in document:
        document["embedding"] = float32(document["embedding"])
    return document


def float32(numbers: list[float]) -> list[float]:
    return [float(each) for each in np.array(numbers, dtype="<f4").tolist()]
