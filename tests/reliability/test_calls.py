"""The whole service under more gRPC calls than it can answer, as `test_load.py` has it for HTTP."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from recollect.rpc.v1 import completion_pb2_grpc
from tests.cli.conftest import free_port
from tests.reliability.test_load import BESIDE, FEW, HASTE_S, QUESTION, Told, serving
from tests.rpc.edges import SPACE, failure, question

MANY, CHANNELS = 160, 16
DEADLINE_S = 30.0
OK, REFUSED = 200, 503  # as HTTP tells the same


def call(port: int, callers: int, seconds: float, *, are_patient: bool) -> Told:
    """What so many callers are told, in a process of their own."""
    told = Told()
    until = time.monotonic() + seconds

    async def ask(stub: completion_pb2_grpc.CompletionServiceStub) -> None:
        message = question(QUESTION)
        while time.monotonic() < until:
            begun, rest_s, status = time.monotonic(), 0.0, OK
            try:
                await stub.Complete(message, metadata=((SPACE, "diary"),), timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                status = REFUSED if error.code() is grpc.StatusCode.UNAVAILABLE else error.code().value[0]
                hint = failure(error).detail(error_details_pb2.RetryInfo)
                told.without_retry += hint is None
                rest_s = hint.retry_delay.seconds if hint is not None and are_patient else HASTE_S
            told.statuses[status] += 1
            told.took_s.setdefault(status, []).append(time.monotonic() - begun)
            await asyncio.sleep(min(rest_s, max(0.0, until - time.monotonic())))

    async def all_ask() -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) for _ in range(CHANNELS)]
        stubs = [completion_pb2_grpc.CompletionServiceStub(each) for each in channels]
        await asyncio.gather(*(ask(stubs[n % CHANNELS]) for n in range(callers)))
        await asyncio.gather(*(each.close() for each in channels))

    asyncio.run(all_ask())
    return told


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, pytest.param(40, marks=pytest.mark.torture)])
async def test_more_calls_than_can_be_answered_are_answered_late_or_told_when_to_come_again(
    seconds: float, tmp_path: Path
) -> None:
    port = free_port()
    loop = asyncio.get_running_loop()
    async with serving(tmp_path, RECOLLECT_GRPC_PORT=str(port)):
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as aside:

            async def told(callers: int, *, are_patient: bool) -> Told:
                return await loop.run_in_executor(aside, partial(call, port, callers, seconds, are_patient=are_patient))

            await asyncio.gather(told(FEW, are_patient=True), told(FEW, are_patient=True))  # both are there, and warm
            peak = await told(FEW, are_patient=True)
            over, beside = await asyncio.gather(told(MANY, are_patient=False), told(BESIDE, are_patient=True))
            after = await told(FEW, are_patient=True)
    print(
        f"{MANY} callers for {seconds} s, back in {HASTE_S} s: {dict(over.statuses)}, goodput "
        f"{over.statuses[OK] / peak.statuses[OK]:.0%} of that of {FEW}; {BESIDE} more that come when told, in a "
        f"process of their own: {dict(beside.statuses)}, answered within {beside.worst(OK, 0.5):.0f} (p50) and "
        f"{beside.worst(OK):.0f} ms (p99, {peak.worst(OK):.0f} ms with {FEW}), refused within "
        f"{beside.worst(REFUSED, 0.5):.0f} and {beside.worst(REFUSED):.0f} ms; afterwards {dict(after.statuses)}"
    )
    assert set(over.statuses) <= {OK, REFUSED}
    assert set(beside.statuses) <= {OK, REFUSED}
    assert over.without_retry == beside.without_retry == 0
    assert set(after.statuses) == {OK}
