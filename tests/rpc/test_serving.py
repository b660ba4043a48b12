"""The server as it starts and ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from recollect.rpc.v1 import episode_pb2
from tests.rpc import edges as wire
from tests.rpc.edges import SPACE, Edges

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def test_an_ending_server_says_so_finishes_its_calls_and_waits_for_no_watcher(tmp_path: Path) -> None:
    edges = Edges(tmp_path, drain_timeout_s=40)
    edges.start()
    assert edges.request("PUT", "/spaces/inbox", json={}).status_code == 201
    go_on, seen = threading.Event(), []

    def messages() -> object:
        yield episode_pb2.ImportEpisodesRequest(episodes=[wire.episode_input({"fields": {"what": "one"}})])
        go_on.wait(20)
        yield episode_pb2.ImportEpisodesRequest(episodes=[wire.episode_input({"fields": {"what": "two"}})])

    watcher = grpc.insecure_channel(
        f"127.0.0.1:{edges.settings.grpc_port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    watched = health_pb2_grpc.HealthStub(watcher).Watch(health_pb2.HealthCheckRequest())
    assert next(watched).status == SERVING
    outcomes = edges.episodes.ImportEpisodes(messages(), metadata=((SPACE, "inbox"),))
    seen.append(next(outcomes).accepted)
    channel = edges.channel  # stays open, unlike what stop() closes
    ending = threading.Thread(target=edges.stop)
    begun = time.monotonic()
    edges.channel = grpc.insecure_channel("127.0.0.1:1")
    ending.start()
    assert next(watched).status == NOT_SERVING
    time.sleep(0.3)
    assert ending.is_alive(), "the server did not wait for the call under way"
    go_on.set()
    seen += [each.accepted for each in outcomes]
    ending.join(50)
    assert seen == [1, 1]
    assert time.monotonic() - begun < 20, "the server waited for somebody who only watches"
    watcher.close()
    channel.close()


def test_without_a_port_there_is_no_server(tmp_path: Path) -> None:
    edges = Edges(tmp_path)
    port = edges.settings.grpc_port
    object.__setattr__(edges.settings, "grpc_port", 0)
    edges.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as nobody:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
    assert nobody.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    edges.stop()
