"""Clients as others have them: one that knows nothing but the address, one with the generated stubs."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from recollect import service
from recollect.rpc.operations import SERVICES, operation_id
from recollect.rpc.v1 import completion_pb2, completion_pb2_grpc, value_pb2
from tests.rpc.edges import Edges


def test_every_operation_has_its_rpc_and_every_rpc_its_operation() -> None:
    rpcs = {operation_id(method) for service_ in SERVICES for method in service_.methods}
    assert rpcs == set(service.__all__)


def test_a_stranger_finds_its_way_by_reflection(edges: Edges) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{edges.settings.grpc_port}") as channel:
        told = ProtoReflectionDescriptorDatabase(channel)
        names = set(told.get_services())
        assert {each.full_name for each in SERVICES} | {"grpc.health.v1.Health"} <= names
        method = DescriptorPool(told).FindServiceByName("recollect.v1.CompletionService").methods_by_name["Complete"]
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        asked = (
            '{"partialEpisode": {"knownFields": [{"name": "what", "value": {"text": "breakfast"}}]}, "verbose": true}'
        )
        call = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}", request.SerializeToString, response.FromString
        )
        answer: Any = call(json_format.Parse(asked, request()), metadata=(("x-memory-space", "diary"),))
    document = json_format.MessageToDict(answer)
    assert document["reconstructionStats"]["convergenceAchieved"] is True
    assert {"name": "where", "value": {"text": "kitchen"}} in document["completedEpisode"]["fields"]


def test_the_generated_stubs_complete_and_stream(edges: Edges) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{edges.settings.grpc_port}") as channel:
        stub = completion_pb2_grpc.CompletionServiceStub(channel)
        cue = completion_pb2.PartialEpisode(
            known_fields=[value_pb2.Field(name="what", value=value_pb2.Value(text="breakfast"))]
        )
        space = (("x-memory-space", "diary"),)
        unary = stub.Complete(completion_pb2.CompleteRequest(partial_episode=cue), metadata=space)
        *_, last = stub.CompleteStream(completion_pb2.CompleteStreamRequest(partial_episode=cue), metadata=space)
    assert last.final_result.completed_episode.fields == unary.completed_episode.fields
    assert last.final_result.completion_confidence == unary.completion_confidence


def test_health_is_told_per_service(edges: Edges) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{edges.settings.grpc_port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", *(each.full_name for each in SERVICES)):
            checked = stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert checked.status == health_pb2.HealthCheckResponse.SERVING
        watched = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICES[0].full_name))
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
        watched.cancel()
