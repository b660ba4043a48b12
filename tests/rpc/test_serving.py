"""The server as it starts and ends."""

from __future__ import annotations

import http.client
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from recollect.rpc.v1 import episode_pb2, episode_pb2_grpc
from tests.cli.conftest import start, stop
from tests.rpc import edges as wire
from tests.rpc.edges import SPACE, Edges

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def test_an_ending_server_says_so_finishes_its_calls_and_waits_for_no_watcher(tmp_path: Path) -> None:
    edges = Edges(tmp_path, drain_timeout_s=25)
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


def test_health_follows_the_store(tmp_path: Path) -> None:
    edges = Edges(tmp_path)
    edges.start()
    sign = tmp_path / "recollect.db-damage"
    with grpc.insecure_channel(f"127.0.0.1:{edges.settings.grpc_port}") as channel:
        watched = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watched).status == SERVING
        sign.write_text("damaged")
        assert next(watched).status == NOT_SERVING
        sign.unlink()
        assert next(watched).status == SERVING
        watched.cancel()
    edges.stop()


def test_calls_that_outlast_the_drain_are_told_why_they_end(tmp_path: Path) -> None:
    edges = Edges(tmp_path, drain_timeout_s=0.3)
    edges.start()
    assert edges.request("PUT", "/spaces/inbox", json={}).status_code == 201
    ended = threading.Event()

    def messages() -> Iterator[episode_pb2.ImportEpisodesRequest]:
        yield episode_pb2.ImportEpisodesRequest(episodes=[wire.episode_input({"fields": {"what": "one"}})])
        ended.wait(20)

    outcomes = edges.episodes.ImportEpisodes(messages(), metadata=((SPACE, "inbox"),))
    assert next(outcomes).accepted == 1
    channel, edges.channel = edges.channel, grpc.insecure_channel("127.0.0.1:1")
    ending = threading.Thread(target=edges.stop)
    ending.start()
    with pytest.raises(grpc.RpcError) as cut:
        next(outcomes)
    told = wire.failure(cut.value)
    assert (told.code, told.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
    ended.set()
    ending.join(20)
    assert not ending.is_alive()
    channel.close()


@pytest.mark.slow
def test_a_service_drains_both_edges_though_a_client_keeps_an_idle_connection(tmp_path: Path) -> None:
    port, go_on = wire.free_port(), threading.Event()
    served = start(tmp_path, RECOLLECT_GRPC_PORT=str(port), RECOLLECT_DRAIN_TIMEOUT_S="15")
    idle = http.client.HTTPConnection(served.url.removeprefix("http://"))
    idle.request("PUT", "/api/v1/spaces/inbox", b"{}", {"content-type": "application/json"})
    assert idle.getresponse().read()

    def messages() -> Iterator[episode_pb2.ImportEpisodesRequest]:
        yield episode_pb2.ImportEpisodesRequest(episodes=[wire.episode_input({"fields": {"what": "one"}})])
        go_on.wait(20)
        yield episode_pb2.ImportEpisodesRequest(episodes=[wire.episode_input({"fields": {"what": "two"}})])

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        watched = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watched).status == SERVING
        outcomes = episode_pb2_grpc.EpisodeServiceStub(channel).ImportEpisodes(messages(), metadata=((SPACE, "inbox"),))
        assert next(outcomes).accepted == 1
        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert next(watched).status == NOT_SERVING
        assert time.monotonic() - begun < 12, "gRPC learnt late that the service ends"
        go_on.set()
        assert [each.accepted for each in outcomes] == [1]
    served.process.wait(20)
    assert time.monotonic() - begun < 14, "the service waited for a connection that asks nothing"
    assert stop(served) == 0
    idle.close()


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_while_it_loads_does(tmp_path: Path) -> None:
    served = start(tmp_path, RECOLLECT_DRAIN_TIMEOUT_S="15")
    served.process.send_signal(signal.SIGTTIN)  # gunicorn: one more worker
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    for _ in range(500):
        if len(children.read_text().split()) == 3:
            break
        time.sleep(0.02)
    time.sleep(0.3)  # it has its signals, but not its application yet
    begun = time.monotonic()
    assert stop(served) == 0
    assert time.monotonic() - begun < 14, "the worker was killed: it had not heard"


def test_without_a_port_there_is_no_server(tmp_path: Path) -> None:
    edges = Edges(tmp_path)
    port = edges.settings.grpc_port
    object.__setattr__(edges.settings, "grpc_port", 0)
    edges.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as nobody:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
    assert nobody.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    edges.stop()
