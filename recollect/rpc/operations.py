"""Every RPC of v1/*.proto, bound to the servicer of its name once, at start."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from recollect.rpc import servicers
from recollect.rpc.guard import Guard, parse
from recollect.rpc.v1 import completion_pb2, episode_pb2, learning_pb2, space_pb2, system_pb2
from recollect.settings import Settings

SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (completion_pb2, episode_pb2, learning_pb2, space_pb2, system_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
_IN_SPACE = frozenset(
    ("CompletionService", "EpisodeService", "LearningService")
)  # what they are about comes with the metadata


def operation_id(method: MethodDescriptor) -> str:
    """The name that an RPC has everywhere else: CompleteBatch is complete_batch."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower()


def bind(guard: Guard, settings: Settings) -> list[grpc.GenericRpcHandler]:
    """The handlers of all services. They take and give bytes: the guard parses, so that it can refuse."""
    return [
        grpc.method_handlers_generic_handler(
            service.full_name, {method.name: _handler(guard, settings, method) for method in service.methods}
        )
        for service in SERVICES
    ]


def _handler(guard: Guard, settings: Settings, method: MethodDescriptor) -> grpc.RpcMethodHandler:
    operation = operation_id(method)
    servicer: Callable[..., Any] = getattr(servicers, operation)
    kind: type[Message] = GetMessageClass(method.input_type)
    enter = partial(
        guard.call,
        operation,
        takes_space=method.containing_service.name in _IN_SPACE,
        is_stream=method.server_streaming,
        timeout_s=settings.import_timeout_s if method.client_streaming else settings.request_timeout_s,
    )

    async def unary(data: bytes, context: Any) -> bytes:
        async with enter(context) as call:
            response: Message = await servicer(call, parse(kind, data))
            encoded: bytes = response.SerializeToString()
            return encoded
        raise AssertionError("the guard has ended the call")

    async def stream(data: bytes, context: Any) -> None:
        async with enter(context) as call, aclosing(servicer(call, parse(kind, data))) as responses:
            async for response in responses:
                await context.write(response.SerializeToString())

    async def duplex(_: AsyncIterator[bytes], context: Any) -> None:
        async with enter(context) as call, aclosing(servicer(call, _messages(kind, context))) as responses:
            async for response in responses:
                await context.write(response.SerializeToString())

    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(duplex)
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(unary)


async def _messages(kind: type[Message], context: Any) -> AsyncIterator[Message]:
    """What the client sends, one by one, as it is asked for."""
    while (data := await context.read()) is not grpc.aio.EOF:
        yield parse(kind, data)
