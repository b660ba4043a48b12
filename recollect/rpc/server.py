"""The gRPC server of one worker: on the port that all workers share, with health and reflection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from recollect import telemetry
from recollect.rpc.guard import Guard
from recollect.rpc.operations import SERVICES, bind
from recollect.service.runtime import Runtime
from recollect.settings import Settings

MAX_SENT_BYTES = 67_108_864
MAX_METADATA_BYTES = 32_768
MAX_WAIT_S = 300
MAX_PENDING = 10_000
_PULSE_S = 1.0
_FLUSH_S = 0.2  # for the last frames of calls that have ended to leave


@asynccontextmanager
async def serve_grpc(runtime: Runtime) -> AsyncIterator[int]:
    """Answer gRPC on this runtime; the port. At the end nothing new is taken and calls under way may finish."""
    settings = runtime.settings
    if settings.grpc_port == 0:
        yield 0
        return
    server, guard, pulse = grpc.aio.server(options=options(settings)), Guard(runtime), health.aio.HealthServicer()
    server.add_generic_rpc_handlers(tuple(bind(guard, settings)))
    names = ["", *(service.full_name for service in SERVICES)]
    health_pb2_grpc.add_HealthServicer_to_server(pulse, server)
    reflection.enable_server_reflection([*names[1:], health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port(_address(settings))
    await server.start()
    await _tell(pulse, names, runtime)
    telling = asyncio.create_task(_keep_telling(pulse, names, runtime))
    telemetry.log("grpc_started", port=port)
    try:
        yield port
    finally:
        telling.cancel()
        await pulse.enter_graceful_shutdown()
        await _drain(server, guard, settings.drain_timeout_s)


async def _keep_telling(pulse: health.aio.HealthServicer, names: Sequence[str], runtime: Runtime) -> None:
    """Let health follow what `/readyz` says: whether the store is sound and takes writes."""
    while True:
        await asyncio.sleep(_PULSE_S)
        await _tell(pulse, names, runtime)


async def _tell(pulse: health.aio.HealthServicer, names: Sequence[str], runtime: Runtime) -> None:
    status = health_pb2.HealthCheckResponse
    told = status.SERVING if await runtime.read(runtime.store.is_writable) else status.NOT_SERVING
    for name in names:
        await pulse.set(name, told)


def options(settings: Settings) -> list[tuple[str, int]]:
    """What the transport takes; sizes are explicit, and told at /api/v1/limits."""
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_send_message_length", MAX_SENT_BYTES),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        # Calls that wait for a busy worker get an answer from its guard, late, rather than a bare CANCELLED;
        # from 1,000 on gRPC would cancel some of them by lot.
        ("grpc.server.max_pending_requests", MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING),
        ("grpc.server_max_unrequested_time_in_server", MAX_WAIT_S),
        ("grpc.max_concurrent_streams", settings.max_streams + settings.max_in_flight),
        ("grpc.keepalive_time_ms", 30_000),  # a client that is gone without a word is found out
        ("grpc.keepalive_timeout_ms", 10_000),
    ]


async def _drain(server: grpc.aio.Server, guard: Guard, timeout_s: float) -> None:
    """Refuse new calls, let those under way finish, then close; who only watches health is not waited for."""
    begun = monotonic()
    await guard.refuse(timeout_s / 2)
    closing = asyncio.create_task(server.stop(MAX_WAIT_S))  # the guard ends them, with a status that says why
    await asyncio.sleep(0)
    cut = await guard.drain(max(0.0, timeout_s - (monotonic() - begun)))
    if cut:
        telemetry.log("grpc_calls_cut", calls=cut, timeout_s=timeout_s)
    await server.stop(_FLUSH_S)
    await closing


def _address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    return f"[{host}]:{settings.grpc_port}" if ":" in host else f"{host}:{settings.grpc_port}"
