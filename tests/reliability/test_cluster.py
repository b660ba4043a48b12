"""Each part of a cluster is killed, stopped or parted from others under traffic: nodes, primary, standby, balancer.

Clients write through the balancer and read each write, once acknowledged, through it and from any node directly.
"""

from __future__ import annotations

import asyncio
import collections
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterable

import grpc
import httpx
import pytest

from recollect.rpc.v1 import episode_pb2, episode_pb2_grpc
from tests import cluster as clusters
from tests.cluster import Cluster
from tests.links import Link
from tests.reliability.test_postgres_server import _examine, _progress

CLIENTS = 8
SPACES = 8
SEED = 20261126
ROUNDS = 3
PARTED_S = 12.0  # a read is given up after three attempts of 3 s

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(bool(clusters.absence()), reason=clusters.absence()),
]


class Client:
    """Writes to a space of its own; every acknowledged write must be seen wherever it is asked for."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster, self.number = cluster, number
        self.space = f"space{number % SPACES}"
        self.choose = random.Random(SEED + number)
        self.acknowledged: list[str] = []
        self.refusals: collections.Counter[str] = collections.Counter()
        self.stale = 0
        self.reads = 0

    async def run(self) -> None:
        async with httpx.AsyncClient(headers={"X-Memory-Space": self.space}, timeout=60) as client:
            for n in range(10**6):
                name = f"c{self.number}-{n}"
                sent = {"json": {"id": name, "fields": {"name": name}}, "headers": {"Idempotency-Key": name}}
                await self._write(client, sent)
                self.acknowledged.append(name)
                for url in (self.cluster.url, self.choose.choice(self.cluster.nodes).url):
                    status = await self._ask(client, "GET", url, f"/episodes/{name}")
                    self.reads += status in {200, 404}
                    self.stale += status == 404

    async def _write(self, client: httpx.AsyncClient, sent: dict[str, object]) -> None:
        for _ in range(10**6):
            if await self._ask(client, "POST", self.cluster.url, "/episodes", **sent) == 201:
                return
            await asyncio.sleep(0.05)

    async def _ask(self, client: httpx.AsyncClient, method: str, url: str, path: str, **more: object) -> int:
        try:
            answer = await client.request(method, f"{url}/api/v1{path}", **more)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self.refusals[type(error).__name__] += 1
            return 0
        if answer.status_code >= 400:
            self.refusals[str(answer.status_code)] += 1
        return answer.status_code


async def _kill_a_node(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    node.kill()
    await asyncio.sleep(2)
    await node.start()


async def _stop_a_node(cluster: Cluster) -> None:
    node = cluster.nodes[1]
    assert node.process is not None
    os.killpg(node.process.pid, signal.SIGSTOP)
    await asyncio.sleep(5)
    os.killpg(node.process.pid, signal.SIGCONT)


async def _kill_the_primary(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.fail_over)


async def _stop_the_standby(cluster: Cluster) -> None:
    """Nothing is acknowledged meanwhile: the only other copy cannot be written."""
    pids = [cluster.standby.pid, *await asyncio.to_thread(cluster.standby.children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(5)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


async def _kill_the_balancer(cluster: Cluster) -> None:
    cluster.kill_balancer()
    cluster.start_balancer()
    await cluster.wait()


async def _cut(links: Iterable[Link]) -> None:
    """Part them for longer than anything is waited for; then the network is whole again."""
    cut = list(links)
    for link in cut:
        link.cut()
    await asyncio.sleep(PARTED_S)
    for link in cut:
        link.heal()


async def _part_a_node_from_the_database(cluster: Cluster) -> None:
    await _cut(cluster.storage[0].values())


async def _part_a_node_from_the_balancer(cluster: Cluster) -> None:
    await _cut(cluster.balanced[1:2])


async def _part_all_nodes_from_the_primary(cluster: Cluster) -> None:
    await _cut([each[cluster.primary] for each in cluster.storage])


async def _part_the_standby_from_the_primary(cluster: Cluster) -> None:
    """Nothing is acknowledged meanwhile."""
    await _cut([cluster.replication[cluster.primary]])


async def _isolate_the_primary(cluster: Cluster) -> None:
    """Nobody reaches it, and the standby takes its place while it believes that it is the primary still.

    It is ended before the network is whole again, as whoever decides on a failover has to see to.
    """
    isolated = cluster.primary
    cut = [*(each[isolated] for each in cluster.storage), cluster.replication[isolated]]
    for link in cut:
        link.cut()
    await asyncio.sleep(PARTED_S / 2)
    await asyncio.to_thread(cluster.standby.promote)
    await asyncio.sleep(PARTED_S / 2)
    assert isolated.is_running
    await asyncio.to_thread(isolated.kill)
    for link in cut:
        link.heal()
    cluster.primary, cluster.standby = cluster.standby, isolated
    await asyncio.to_thread(cluster.join)


PARTITIONS: list[Callable[[Cluster], Awaitable[None]]] = [
    _part_a_node_from_the_database,
    _part_a_node_from_the_balancer,
    _part_all_nodes_from_the_primary,
    _part_the_standby_from_the_primary,
    _isolate_the_primary,
]
FAULTS: list[Callable[[Cluster], Awaitable[None]]] = [
    _kill_a_node,
    _stop_a_node,
    _kill_the_primary,
    _stop_the_standby,
    _kill_the_balancer,
]


@pytest.mark.parametrize("faults", [FAULTS, PARTITIONS], ids=["killed and stopped", "parted"])
async def test_no_fault_takes_anything_acknowledged_along(faults: list[Callable[[Cluster], Awaitable[None]]]) -> None:
    async with clusters.running() as cluster:
        async with httpx.AsyncClient(timeout=60) as client:
            for n in range(SPACES):
                made = await client.put(f"{cluster.url}/api/v1/spaces/space{n}", json={})
                assert made.status_code == 201
        clients = [Client(cluster, n) for n in range(CLIENTS)]
        tasks = [asyncio.create_task(each.run()) for each in clients]
        back_s: dict[str, list[float]] = collections.defaultdict(list)
        try:
            for fault in faults * ROUNDS:
                await _progress(clients)  # type: ignore[arg-type]
                await fault(cluster)
                begun = time.monotonic()
                await _progress(clients)  # type: ignore[arg-type]
                back_s[fault.__name__].append(time.monotonic() - begun)
                assert not any(each.done() for each in tasks), [each.exception() for each in tasks if each.done()]
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.wait(tasks)
        acknowledged = sum(len(each.acknowledged) for each in clients)
        refusals = sum((each.refusals for each in clients), collections.Counter())
        reads = sum(each.reads for each in clients)
        print(f"{len(faults) * ROUNDS} faults, {acknowledged} writes, {reads} reads; refused: {dict(refusals)}")
        print("seconds until every client is served again:", {k: f"{max(v):.1f}" for k, v in back_s.items()})
        assert sum(each.stale for each in clients) == 0
        for n in range(SPACES):
            names = [name for each in clients if each.space == f"space{n}" for name in each.acknowledged]
            await _examine(cluster.primary, names, f"space{n}")


async def test_grpc_goes_through_the_balancer_to_the_node_of_its_space() -> None:
    async with clusters.running() as cluster:
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.put(f"{cluster.url}/api/v1/spaces/diary", json={})).status_code == 201
            sent = {"id": "a", "fields": {"what": "walk"}}
            head = {"X-Memory-Space": "diary"}
            assert (await client.post(f"{cluster.url}/api/v1/episodes", json=sent, headers=head)).status_code == 201
        async with grpc.aio.insecure_channel(f"127.0.0.1:{cluster.grpc_port}") as channel:
            stub = episode_pb2_grpc.EpisodeServiceStub(channel)
            for node in cluster.nodes[:2]:
                found = await stub.GetEpisode(
                    episode_pb2.GetEpisodeRequest(episode_id="a"),
                    metadata=(("x-memory-space", "diary"),),
                    wait_for_ready=True,
                    timeout=60,
                )
                assert found.episode.id == "a"
                node.kill()
                await asyncio.sleep(2)
