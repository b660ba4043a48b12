"""What a call must pass before its servicer sees it, for every RPC there is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from recollect import keys, service
from recollect.errors import Unavailable
from recollect.model import Action
from recollect.rpc.operations import SERVICES, operation_id
from recollect.rpc.v1 import completion_pb2, episode_pb2, space_pb2, system_pb2, system_pb2_grpc, value_pb2
from recollect.service.access import ACTIONS
from recollect.service.entrance import Entrance
from recollect.settings import Settings
from recollect.store import open_store
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges, Failure, failure

TRIES = 50
METHODS = [method for service in SERVICES for method in service.methods]
SECRETS: dict[str, tuple[set[Action], list[str] | None]] = {
    "admin": ({Action.ADMIN}, None),
    "reader": ({Action.READ}, None),
    "writer": ({Action.WRITE}, None),
    "elsewhere": ({Action.ADMIN}, ["elsewhere"]),
}
BREAKFAST = completion_pb2.CompleteRequest(
    partial_episode=completion_pb2.PartialEpisode(known_fields=wire.fields({"what": "breakfast"}))
)


@dataclass
class Locked:
    edges: Edges
    secrets: dict[str, str]

    def key(self, holder: str) -> tuple[tuple[str, str], ...]:
        return () if holder == "none" else (("authorization", f"Bearer {self.secrets[holder]}"),)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    data = tmp_path_factory.mktemp("locked")
    secrets = asyncio.run(_issue(Settings(data=data).store))
    for started in run(Edges(data)):
        admin = {"authorization": f"Bearer {secrets['admin']}"}
        assert started.request("PUT", "/spaces/diary", json={}, headers=admin).status_code == 201
        yield Locked(started, secrets)


async def _issue(url: str) -> dict[str, str]:
    store = open_store(url)
    store.open()
    secrets = {}
    for holder, (actions, spaces) in SECRETS.items():
        secrets[holder], _ = await keys.issue(store, actions, spaces, holder)
    secrets["revoked"], key = await keys.issue(store, {Action.ADMIN}, None)
    await keys.revoke(store, key.key_id)
    secrets["expired"], key = keys.draw({Action.ADMIN}, None, now_s=0, expires_at="1970-01-02T00:00:00Z")
    await store.put_key(key)
    secrets["unknown"] = keys.draw({Action.ADMIN}, None, now_s=0)[0]
    secrets["malformed"] = "not a key"
    await store.close()
    return secrets


def call(edges: Edges, method: Any, data: bytes, metadata: Any) -> str:
    """The code that a call of this method ends with."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    sent = {"metadata": metadata, "timeout": 10}
    try:
        if method.client_streaming:
            list(edges.channel.stream_stream(path)(iter([data]), **sent))
        elif method.server_streaming:
            list(edges.channel.unary_stream(path)(data, **sent))
        else:
            edges.channel.unary_unary(path)(data, **sent)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def about_diary(method: Any) -> bytes:
    """A message of the method that names the space where the method asks for it, and nothing else."""
    message = GetMessageClass(method.input_type)()
    if "space_id" in message.DESCRIPTOR.fields_by_name:
        message.space_id = "diary"
    encoded: bytes = message.SerializeToString()
    return encoded


HOLDERS = ["none", "malformed", "unknown", "revoked", "expired", *SECRETS]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_key_opens_what_it_allows_and_nothing_else(locked: Locked, method: Any, holder: str) -> None:
    outcome = call(locked.edges, method, about_diary(method), (*locked.key(holder), (SPACE, "diary")))
    action = ACTIONS[operation_id(method)]
    if holder not in SECRETS:
        assert outcome == "UNAUTHENTICATED"
        return
    actions, spaces = SECRETS[holder]
    names_space = method.name not in {"ListSpaces", "GetLimits", "GetVersion", "GetWhoami"}
    is_allowed = (action is None or action in actions or Action.ADMIN in actions) and (
        spaces is None or not names_space
    )
    assert (outcome == "PERMISSION_DENIED") is not is_allowed, outcome


def refused(edges: Edges, metadata: Any, message: Any = BREAKFAST) -> Failure:
    with pytest.raises(grpc.RpcError) as error:
        edges.completion.Complete(message, metadata=metadata)
    return failure(error.value)


def test_the_space_is_named_exactly_once(edges: Edges) -> None:
    for metadata in ((), ((SPACE, "Diary"),), ((SPACE, "diary"), (SPACE, "diary")), ((SPACE, ""),)):
        told = refused(edges, metadata)
        assert (told.code, told.reason) == ("INVALID_ARGUMENT", "INVALID_HEADER")
        assert told.detail(error_details_pb2.BadRequest).field_violations[0].field == "/header/x-memory-space"
    told = refused(edges, ((SPACE, "diar"),))
    assert (told.code, told.reason) == ("NOT_FOUND", "SPACE_NOT_FOUND")
    assert "diary" in told.status.message


def test_a_proxy_on_this_machine_does_not_pass_for_its_person(tmp_path: Any) -> None:
    for started in run(Edges(tmp_path, auth="off")):
        started.remember("diary", meals(3))
        assert started.completion.Complete(BREAKFAST, metadata=((SPACE, "diary"),))
        assert refused(started, ((SPACE, "diary"), ("x-forwarded-for", "203.0.113.9"))).code == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "data", [b"\xff", b"\x0a", b"\x0a\x08\x0a\x06\x0a\x04\xff\xfe\xfd\xfc", b"\x08\x96\x01" * 3 + b"\x0a"]
)
def test_bytes_that_are_no_message_are_refused(edges: Edges, data: bytes) -> None:
    method = completion_pb2.DESCRIPTOR.services_by_name["CompletionService"].methods_by_name["Complete"]
    assert call(edges, method, data, ((SPACE, "diary"),)) == "INVALID_ARGUMENT"


def test_a_message_over_the_limit_is_refused_and_the_limit_is_told(edges: Edges) -> None:
    limit = edges.system.GetLimits(system_pb2.GetLimitsRequest()).limits["max_grpc_message_bytes"]
    assert limit == edges.settings.max_body_bytes
    text = wire.fields({f"f{i}": "x" * 32_768 for i in range(int(limit) // 32_768 + 1)})
    with pytest.raises(grpc.RpcError) as error:
        edges.completion.Complete(
            completion_pb2.CompleteRequest(partial_episode=completion_pb2.PartialEpisode(known_fields=text)),
            metadata=((SPACE, "diary"),),
        )
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_violations_are_told_all_at_once_without_values(edges: Edges) -> None:
    message = wire.question(
        {
            "partial_episode": {"cue_strength": 2.0, "known_fields": {"what": "secret\x00"}},
            "config": {"max_iterations": 0},
        }
    )
    told = refused(edges, ((SPACE, "diary"),), message)
    fields = {each.field for each in told.detail(error_details_pb2.BadRequest).field_violations}
    assert fields == {"/partial_episode/cue_strength", "/partial_episode/known_fields/what", "/config/max_iterations"}
    assert "secret" not in str(told.status)


def test_a_deadline_that_has_passed_is_told(edges: Edges) -> None:
    with pytest.raises(grpc.RpcError) as error:
        edges.completion.Complete(BREAKFAST, metadata=((SPACE, "diary"),), timeout=0.00001)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_calls_that_have_waited_out_their_deadline_are_not_begun(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    async def long(*_: Any) -> Any:
        begun.append(time.monotonic())
        time.sleep(0.2)  # noqa: ASYNC251 - as the mathematics holds the worker
        raise Unavailable("Not now.")

    monkeypatch.setattr(service, "complete", long)
    started = time.monotonic()
    calls = [edges.completion.Complete.future(BREAKFAST, metadata=((SPACE, "diary"),), timeout=0.5) for _ in range(12)]
    codes = {call.code() for call in calls}
    edges.run(asyncio.sleep(0.1))
    assert grpc.StatusCode.DEADLINE_EXCEEDED in codes
    assert 1 <= len(begun) <= 4, [each - started for each in begun]


def test_the_request_id_comes_back_with_a_refusal(edges: Edges) -> None:
    assert refused(edges, (("x-request-id", "mine-1"),)).trailers["x-request-id"] == "mine-1"
    assert refused(edges, (("x-request-id", "not mine"),)).trailers["x-request-id"].startswith("req_")


def test_both_edges_share_one_quota(tmp_path: Any) -> None:
    for started in run(Edges(tmp_path, rate_per_s=0.001, rate_burst=3, workers=1)):
        assert started.request("PUT", "/spaces/diary", json={}).status_code == 201
        started.system.GetVersion(system_pb2.GetVersionRequest())
        assert started.request("GET", "/version").status_code == 200
        with pytest.raises(grpc.RpcError) as error:
            started.system.GetVersion(system_pb2.GetVersionRequest())
        told = failure(error.value)
        assert (told.code, told.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert told.detail(error_details_pb2.RetryInfo).retry_delay.seconds > 0
        assert started.request("GET", "/version").status_code == 429


def test_more_streams_than_the_worker_keeps_are_refused(tmp_path: Any) -> None:
    for started in run(Edges(tmp_path, max_streams=2)):
        started.remember("diary", meals(3))
        go_on = threading.Event()

        def wait(go_on: threading.Event = go_on) -> Iterator[Any]:
            go_on.wait(30)
            yield from ()

        held = [started.episodes.ImportEpisodes(wait(), metadata=((SPACE, "diary"),)) for _ in range(2)]
        stream = completion_pb2.CompleteStreamRequest(partial_episode=BREAKFAST.partial_episode)
        outcome = "OK"
        for _ in range(500):  # until the two have arrived
            time.sleep(0.02)
            try:
                list(started.completion.CompleteStream(stream, metadata=((SPACE, "diary"),)))
            except grpc.RpcError as error:
                outcome = failure(error).reason
                break
        assert outcome == "OVERLOADED"
        assert started.completion.Complete(BREAKFAST, metadata=((SPACE, "diary"),))
        go_on.set()
        assert [list(each) for each in held] == [[], []]


async def _hold(entrance: Entrance, callers: int, until: threading.Event) -> None:
    """So many callers that insist, whose requests take longer than all before."""

    async def hold() -> None:
        while not until.is_set():
            try:
                await entrance.enter(0, callers)
            except Unavailable:
                await asyncio.sleep(0.01)
            else:
                time.sleep(0.02)  # noqa: ASYNC251 - as the mathematics holds the worker

    await asyncio.gather(*(hold() for _ in range(callers)))


def _refusal(started: Edges) -> Failure | None:
    try:
        started.completion.Complete(BREAKFAST, metadata=((SPACE, "diary"),))
    except grpc.RpcError as error:
        return failure(error)
    return None


def test_a_call_that_would_wait_too_long_to_begin_is_refused_on_both_edges(tmp_path: Any) -> None:
    for started in run(Edges(tmp_path, max_wait_s=1.0)):
        started.remember("diary", meals(60))

        until = threading.Event()
        held = started.launch(_hold(started.runtime.entrance, 100, until))
        time.sleep(0.5)
        # One may come just when a place is free.
        told = next(refusal for _ in range(TRIES) if (refusal := _refusal(started)) is not None)
        late = next(reply for _ in range(TRIES) if (reply := started.request("GET", "/version")).status_code != 200)
        assert (told.code, told.reason) == ("UNAVAILABLE", "OVERLOADED")
        assert (late.status_code, late.json()["code"]) == (503, "OVERLOADED")
        assert int(late.headers["retry-after"]) >= 1
        until.set()
        held.result(60)
        assert started.completion.Complete(BREAKFAST, metadata=((SPACE, "diary"),))


def test_calls_that_pile_up_before_a_busy_worker_are_all_answered(edges: Edges) -> None:
    async def busy() -> None:
        time.sleep(1.0)  # noqa: ASYNC251 - as the mathematics holds the worker

    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(f"127.0.0.1:{edges.settings.grpc_port}", options=options) for _ in range(3)]
    stubs = [system_pb2_grpc.SystemServiceStub(channel) for channel in channels]
    for stub in stubs:
        stub.GetVersion(system_pb2.GetVersionRequest())
    held = edges.launch(busy())
    calls = [stubs[n % 3].GetVersion.future(system_pb2.GetVersionRequest()) for n in range(2400)]
    codes = {call.code() for call in calls}
    held.result()
    for channel in channels:
        channel.close()
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, codes


def test_an_idempotency_key_replays_and_refuses_another_body(edges: Edges) -> None:
    metadata = ((SPACE, "scratch"), ("idempotency-key", "k1"))
    message = episode_pb2.CreateEpisodeRequest(episode=wire.episode_input({"fields": {"what": "walk"}}))
    first = edges.episodes.CreateEpisode(message, metadata=metadata)
    again = edges.episodes.CreateEpisode(message, metadata=metadata)
    assert (again.episode, again.replayed) == (first.episode, True)
    other = episode_pb2.CreateEpisodeRequest(episode=wire.episode_input({"fields": {"what": "run"}}))
    with pytest.raises(grpc.RpcError) as error:
        edges.episodes.CreateEpisode(other, metadata=metadata)
    assert failure(error.value).reason == "IDEMPOTENCY_KEY_REUSED"


def test_kinds_of_values_survive(edges: Edges) -> None:
    content = {
        "a": 3,
        "b": 3.0,
        "c": True,
        "d": "3",
        "e": [3, 3.0, True, "3"],
        "f": [],
        "g": -(2**63),
        "z": "",
        "0": 1e300,
    }
    message = episode_pb2.PutEpisodeRequest(episode_id="kinds", episode=wire.episode_input({"fields": content}))
    edges.episodes.PutEpisode(message, metadata=((SPACE, "scratch"),))
    stored = edges.episodes.GetEpisode(
        episode_pb2.GetEpisodeRequest(episode_id="kinds"), metadata=((SPACE, "scratch"),)
    )
    found = wire.plain_fields(stored.episode.fields)
    assert list(found) == list(content)
    assert repr(found) == repr(content)
    assert edges.request("GET", "/episodes/kinds", headers={SPACE: "scratch"}).json()["fields"] == content
    edges.episodes.DeleteEpisode(episode_pb2.DeleteEpisodeRequest(episode_id="kinds"), metadata=((SPACE, "scratch"),))


def test_a_value_that_is_none_is_refused(edges: Edges) -> None:
    nothing = episode_pb2.EpisodeInput(fields=[value_pb2.Field(name="a", value=value_pb2.Value())])
    with pytest.raises(grpc.RpcError) as error:
        edges.episodes.CreateEpisode(episode_pb2.CreateEpisodeRequest(episode=nothing), metadata=((SPACE, "diary"),))
    assert failure(error.value).code == "INVALID_ARGUMENT"


def test_float16_is_half_the_bytes_of_the_same_vector(edges: Edges) -> None:
    whole = edges.episodes.GetEpisode(episode_pb2.GetEpisodeRequest(episode_id="ep_1"), metadata=((SPACE, "diary"),))
    half = edges.episodes.GetEpisode(
        episode_pb2.GetEpisodeRequest(episode_id="ep_1", vector_encoding=value_pb2.VECTOR_ENCODING_FLOAT16),
        metadata=((SPACE, "diary"),),
    )
    assert len(half.episode.embedding.data) * 2 == len(whole.episode.embedding.data)
    assert half.episode.embedding.encoding == value_pb2.VECTOR_ENCODING_FLOAT16


def test_a_space_lives_and_dies_over_grpc(edges: Edges) -> None:
    spaces = edges.spaces
    made = spaces.PutSpace(
        space_pb2.PutSpaceRequest(
            space_id="short", space=space_pb2.SpaceInput(description="d", schema={"n": space_pb2.FIELD_TYPE_NUMBER})
        )
    )
    assert made.created
    stale = space_pb2.DeleteSpaceRequest(space_id="short", condition=value_pb2.Condition(revision=99))
    with pytest.raises(grpc.RpcError) as error:
        spaces.DeleteSpace(stale)
    assert failure(error.value).code == "ABORTED"
    patched = spaces.PatchSpace(
        space_pb2.PatchSpaceRequest(
            space_id="short", patch=space_pb2.SpacePatch(read_only=True, reset=["description", "schema"])
        )
    ).space
    assert (patched.read_only, patched.description, dict(patched.schema)) == (True, "", {})
    assert "short" in {each.space_id for each in spaces.ListSpaces(space_pb2.ListSpacesRequest()).items}
    assert spaces.GetSpaceStats(space_pb2.GetSpaceStatsRequest(space_id="short")).episodes == 0
    spaces.DeleteSpace(space_pb2.DeleteSpaceRequest(space_id="short"))
    with pytest.raises(grpc.RpcError) as error:
        spaces.GetSpace(space_pb2.GetSpaceRequest(space_id="short"))
    assert failure(error.value).code == "NOT_FOUND"
