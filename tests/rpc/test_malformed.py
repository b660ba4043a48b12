"""The malformed corpus, continued: calls over gRPC. Each has exactly one status, none is a fault of the service."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from recollect.rpc.v1.completion_pb2 import CompleteBatchRequest, CompleteRequest, CompletionConfig, PartialEpisode
from recollect.rpc.v1.episode_pb2 import (
    CreateEpisodeRequest,
    DeleteEpisodeRequest,
    EpisodeFilter,
    EpisodeInput,
    ForgetEpisodesRequest,
    GetEpisodeRequest,
    ListEpisodesRequest,
    RecallRequest,
)
from recollect.rpc.v1.space_pb2 import GetSpaceRequest, PutSpaceRequest, SpaceInput
from recollect.rpc.v1.value_pb2 import Field, Scalar, ScalarList, Value, Vector
from tests.rpc.edges import Edges, failure

CLAIM = "malformed-corpus-marker"  # stands where a value stands: no refusal may repeat it
SPACE = ("x-memory-space", "diary")
COMPLETE = "CompletionService/Complete"
KNOWN = Field(name="what", value=Value(text="breakfast"))
SOUND = CompleteRequest(partial_episode=PartialEpisode(known_fields=[KNOWN])).SerializeToString()
NAN, ONE = struct.pack("<f", float("nan")), struct.pack("<f", 1)


@dataclass(frozen=True)
class Call:
    """One call and what must come back; `sent` is its message as bytes."""

    name: str
    code: str
    reason: str
    sent: bytes = SOUND
    metadata: Sequence[tuple[str, str | bytes]] = (SPACE,)
    method: str = COMPLETE


def invalid(name: str, message: Any, method: str = COMPLETE, reason: str = "SCHEMA_VIOLATION") -> Call:
    return Call(name, "INVALID_ARGUMENT", reason, message.SerializeToString(), method=method)


def unreadable(name: str, sent: bytes, method: str = COMPLETE) -> Call:
    return Call(name, "INVALID_ARGUMENT", "MALFORMED_MESSAGE", sent, method=method)


def bad_head(name: str, *metadata: tuple[str, str | bytes]) -> Call:
    return Call(name, "INVALID_ARGUMENT", "INVALID_HEADER", metadata=metadata)


def cue(**members: Any) -> CompleteRequest:
    return CompleteRequest(partial_episode=PartialEpisode(**members))


def known(*values: Value) -> CompleteRequest:
    return cue(known_fields=[Field(name=f"f{number}", value=value) for number, value in enumerate(values)])


def config(**members: Any) -> CompleteRequest:
    return CompleteRequest(partial_episode=PartialEpisode(known_fields=[KNOWN]), config=CompletionConfig(**members))


BYTES = [
    unreadable("text for a message", b"not a message"),
    unreadable("JSON for a message", b'{"partial_episode":{}}'),
    unreadable("half a message", SOUND[:-3]),
    unreadable("a length beyond the end", b"\x0a\xff\xff\xff\xff\x07"),
    unreadable("a length of eleven bytes", b"\x0a" + b"\xff" * 11),
    unreadable("a field of number 0", b"\x00\x01"),
    unreadable("a group that does not end", b"\x0b"),
    unreadable("an end without a group", b"\x0c"),
    unreadable("a wire type that is none", b"\x0e\x01"),
    unreadable("a name that is no UTF-8", b"\x0a\x06\x0a\x04\x0a\x02\xff\xfe"),
    unreadable("a text with an encoded surrogate", b"\x0a\x0d\x0a\x0b\x0a\x02aa\x12\x05\x0a\x03\xed\xa0\x80"),
    unreadable("two hundred groups, one in the other", b"\x7b" * 200 + b"\x7c" * 200),
    Call("nothing for a message", "INVALID_ARGUMENT", "SCHEMA_VIOLATION", b""),
    Call("a member of another wire type", "INVALID_ARGUMENT", "SCHEMA_VIOLATION", b"\x08\x01"),
    Call("more than a message may have", "RESOURCE_EXHAUSTED", "", b"\x0a" + b"a" * 9_000_000),
]
VALUES = [
    invalid("a value that is none", known(Value())),
    invalid("an item that is none", known(Value(list=ScalarList(values=[Scalar(integer=1), Scalar()])))),
    invalid("NaN", known(Value(real=float("nan")))),
    invalid("infinity in a list", known(Value(list=ScalarList(values=[Scalar(real=float("inf"))])))),
    invalid("a NUL in a text", known(Value(text=f"{CLAIM}\0"))),
    invalid("a NUL in a name", cue(known_fields=[Field(name="a\0b", value=Value(integer=1))])),
    invalid("a name given twice", cue(known_fields=[KNOWN, KNOWN])),
    invalid("a long text", known(Value(text="a" * 32_769))),
    invalid("a long list", known(Value(list=ScalarList(values=[Scalar(integer=1)] * 1025)))),
    invalid("many fields", known(*[Value(integer=1)] * 257)),
    invalid("a nameless field", cue(known_fields=[Field(value=Value(integer=1))])),
    invalid("a name of 129 characters", cue(known_fields=[Field(name="n" * 129, value=Value(integer=1))])),
    invalid("a threshold of NaN", config(ca1_threshold=float("nan"))),
    invalid("a threshold above one", config(ca1_threshold=1.01)),
    invalid("a negative count", config(num_hypotheses=-1)),
    invalid("no iteration", config(max_iterations=0)),
    invalid("a weight of infinity", config(pattern_weight=float("inf"))),
    invalid("a prior above one", config(prior_stored=1.5)),
    invalid("a strength below zero", cue(known_fields=[KNOWN], cue_strength=-0.1)),
    invalid("seventeen points of context", cue(known_fields=[KNOWN], temporal_context=["a"] * 17)),
    invalid("the same target twice", CompleteRequest(partial_episode=PartialEpisode(), targets=["a", "a"])),
    invalid("an encoding nobody knows", CompleteRequest(partial_episode=PartialEpisode(), vector_encoding=9)),
    invalid("a batch of nothing", CompleteBatchRequest(), "CompletionService/CompleteBatch"),
    invalid("a batch too many", CompleteBatchRequest(items=[config()] * 257), "CompletionService/CompleteBatch"),
]
VECTORS = [
    invalid("a vector of half a number", cue(partial_embedding=Vector(data=b"\0" * 30))),
    invalid("a vector of nothing", cue(partial_embedding=Vector(data=b""))),
    invalid("a vector of NaN only", cue(partial_embedding=Vector(data=NAN * 8))),
    invalid("a vector with infinity", cue(partial_embedding=Vector(data=struct.pack("<f", float("inf")) * 8))),
    invalid("a long vector", cue(partial_embedding=Vector(data=ONE * 4097))),
    invalid("a vector in an encoding nobody knows", cue(partial_embedding=Vector(data=NAN, encoding=7))),
    invalid("a vector of another length", cue(partial_embedding=Vector(data=ONE * 7)), reason="DIMENSION_MISMATCH"),
    invalid("a number beyond float32's use", cue(partial_embedding=Vector(data=struct.pack("<f", 3.4028235e38) * 8))),
    invalid("a stored vector with an unknown number", CreateEpisodeRequest(
        episode=EpisodeInput(fields=[KNOWN], embedding=Vector(data=NAN * 8))), "EpisodeService/CreateEpisode"),
]  # fmt: skip
METADATA = [
    bad_head("no space"),
    bad_head("two spaces", SPACE, SPACE),
    bad_head("an empty space", ("x-memory-space", "")),
    bad_head("a space with a capital", ("x-memory-space", "Diary")),
    bad_head("a space of 64 characters", ("x-memory-space", "a" * 64)),
    bad_head("an empty idempotency key", SPACE, ("idempotency-key", "")),
    bad_head("a long idempotency key", SPACE, ("idempotency-key", "a" * 129)),
    bad_head("two idempotency keys", SPACE, ("idempotency-key", "a"), ("idempotency-key", "b")),
    bad_head("two keys", SPACE, ("authorization", "Bearer a"), ("authorization", "Bearer a")),
    Call("a key that is none", "UNAUTHENTICATED", "KEY_MALFORMED", metadata=(SPACE, ("authorization", CLAIM))),
    Call(
        "a key that nobody made",
        "UNAUTHENTICATED",
        "KEY_INVALID",
        metadata=(SPACE, ("authorization", f"Bearer {CLAIM}")),
    ),
    Call("an unknown space", "NOT_FOUND", "SPACE_NOT_FOUND", metadata=(("x-memory-space", "nobody"),)),
    Call(
        "many metadata",
        "RESOURCE_EXHAUSTED",
        "HEADERS_TOO_LARGE",
        metadata=(SPACE, *((f"x-{number}", "a") for number in range(100))),
    ),
]
EPISODES = [
    invalid("no episode", CreateEpisodeRequest(), "EpisodeService/CreateEpisode"),
    invalid("an episode without fields", CreateEpisodeRequest(episode=EpisodeInput()), "EpisodeService/CreateEpisode",
            "INVALID_EPISODE"),
    invalid(
        "a time that is none",
        CreateEpisodeRequest(episode=EpisodeInput(fields=[KNOWN], occurred_at=CLAIM)),
        "EpisodeService/CreateEpisode",
        "INVALID_EPISODE",
    ),
    invalid(
        "an origin nobody knows",
        CreateEpisodeRequest(episode=EpisodeInput(fields=[KNOWN], origin=9)),
        "EpisodeService/CreateEpisode",
    ),
    invalid("an id with a slash", GetEpisodeRequest(episode_id="a/b"), "EpisodeService/GetEpisode"),
    invalid("an id with a newline", GetEpisodeRequest(episode_id="a\n"), "EpisodeService/GetEpisode"),
    invalid("no id", DeleteEpisodeRequest(), "EpisodeService/DeleteEpisode"),
    Call("an unknown id", "NOT_FOUND", "EPISODE_NOT_FOUND",
         GetEpisodeRequest(episode_id="nobody").SerializeToString(), method="EpisodeService/GetEpisode"),
    invalid("a limit of zero", ListEpisodesRequest(limit=0), "EpisodeService/ListEpisodes"),
    invalid("a cursor with other characters", ListEpisodesRequest(cursor="=="), "EpisodeService/ListEpisodes"),
    Call("a cursor that is none", "INVALID_ARGUMENT", "STALE_CURSOR",
         ListEpisodesRequest(cursor="AAAA").SerializeToString(), method="EpisodeService/ListEpisodes"),
    invalid("a filter with a time that is none",
            ForgetEpisodesRequest(filter=EpisodeFilter(occurred_after="then")), "EpisodeService/ForgetEpisodes",
            "INVALID_FILTER"),
    invalid("nothing to forget", ForgetEpisodesRequest(), "EpisodeService/ForgetEpisodes"),
    invalid("nothing to recall", RecallRequest(), "EpisodeService/Recall"),
    invalid("a negative limit to recall", RecallRequest(partial_episode=PartialEpisode(), limit=-1),
            "EpisodeService/Recall"),
    invalid("a space id with a dot", GetSpaceRequest(space_id="a.b"), "SpaceService/GetSpace"),
    invalid("a field type nobody knows", PutSpaceRequest(space_id="made", space=SpaceInput(schema={"a": 99})),
            "SpaceService/PutSpace"),
    invalid("a vector's length below one", PutSpaceRequest(space_id="made", space=SpaceInput(embedding_dimensions=0)),
            "SpaceService/PutSpace", "INVALID_SPACE"),
    Call("a method nobody has", "UNIMPLEMENTED", "", method="CompletionService/Complicate"),
    Call("a service nobody has", "UNIMPLEMENTED", "", method="Nowhere/Complete"),
]  # fmt: skip
CATEGORIES = {
    "bytes": BYTES, "values": VALUES, "vectors": VECTORS, "metadata": METADATA, "episodes and spaces": EPISODES,
}  # fmt: skip
CALLS = [call for calls in CATEGORIES.values() for call in calls]


def test_the_calls_have_names_of_their_own() -> None:
    assert len({call.name for call in CALLS}) == len(CALLS) >= 75


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_a_malformed_call_is_refused_with_its_own_status(edges: Edges, call: Call) -> None:
    method = edges.channel.unary_unary(f"/recollect.v1.{call.method}")
    with pytest.raises(grpc.RpcError) as caught:
        method(call.sent, metadata=call.metadata, timeout=30)
    refusal = failure(caught.value)
    assert (refusal.code, refusal.reason) == (call.code, call.reason), caught.value
    assert CLAIM not in str(caught.value)
    assert CLAIM.encode() not in refusal.status.SerializeToString()
