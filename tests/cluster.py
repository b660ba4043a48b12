"""Three nodes behind HAProxy on a PostgreSQL primary with a synchronous standby, all on loopback.

Every way between two parts is a link that can be cut.

`python -m tests.cluster` runs one until it is interrupted.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from tests import postgres
from tests.links import Link, Links
from tests.reliability.test_kills import Service

NODES = 3
CONFIGURATION = Path(__file__).parents[1] / "deploy" / "cluster" / "haproxy.cfg"
PATIENCE_S = 120.0


def absence() -> str:
    """Why there can be no cluster here, "" where there can be one."""
    if shutil.which("haproxy") is None and not Path("/usr/sbin/haproxy").exists():
        return "HAProxy is not installed: no cluster is tested (make haproxy)"
    return postgres.absence()


class Cluster:
    """The parts, and what becomes of them. `primary` and `standby` change places."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.primary, self.standby = (postgres.Server(folder / name) for name in ("first", "second"))
        self.nodes: list[Service] = []
        self.grpc_ports = [postgres.free_port() for _ in range(NODES)]
        self.port, self.grpc_port = postgres.free_port(), postgres.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.balancer: subprocess.Popen[bytes] | None = None
        self.links = Links()
        servers = (self.primary, self.standby)
        self.replication = {server: self.links.to(server.port) for server in servers}  # to it, from its standby
        self.storage = [{server: self.links.to(server.port) for server in servers} for _ in range(NODES)]
        self.balanced: list[Link] = []  # from the balancer to each node

    async def start(self) -> None:
        """Start all parts and wait until the balancer answers."""
        self.primary.create()
        self.primary.start()
        self.primary.execute("CREATE DATABASE recollect")
        self.join()
        for number in range(NODES):
            data = self.folder / f"node{number + 1}"
            data.mkdir()
            hosts = ",".join(f"127.0.0.1:{link.port}" for link in self.storage[number].values())
            node = Service(
                data,
                RECOLLECT_STORE=f"postgresql://recollect@{hosts}/recollect",
                RECOLLECT_GRPC_PORT=str(self.grpc_ports[number]),
            )
            node.workers_started = "1"
            node.spawn()
            self.nodes.append(node)
            self.balanced.append(self.links.to(node.port))
        for node in self.nodes:
            await node.wait(time.monotonic())
        self.start_balancer()
        await self.wait()

    def join(self) -> None:
        """Make a new standby of the primary, and let the primary wait for it."""
        self.primary.wait_for(None)
        self.standby.follow(self.primary, "standby", self.replication[self.primary].port)
        self.standby.start()
        self.primary.wait_for("standby")

    def fail_over(self) -> None:
        """The primary dies at once; the standby takes its place, and a new standby follows it."""
        self.primary.kill()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.join()

    def start_balancer(self) -> None:
        """Start HAProxy."""
        addresses = {"CLUSTER_HTTP": f"127.0.0.1:{self.port}", "CLUSTER_GRPC": f"127.0.0.1:{self.grpc_port}"}
        for number, (node, grpc_port) in enumerate(zip(self.nodes, self.grpc_ports, strict=True), 1):
            addresses[f"NODE{number}_HTTP"] = f"127.0.0.1:{self.balanced[number - 1].port}"
            addresses[f"NODE{number}_PORT"] = str(node.port)
            addresses[f"NODE{number}_GRPC"] = f"127.0.0.1:{grpc_port}"
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        with (self.folder / "haproxy.log").open("ab") as log:
            self.balancer = subprocess.Popen(
                [program, "-db", "-f", str(CONFIGURATION)],
                env={**os.environ, **addresses},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill_balancer(self) -> None:
        """Kill HAProxy."""
        assert self.balancer is not None
        self.balancer.kill()
        self.balancer.wait()

    async def wait(self) -> None:
        """Wait until the balancer finds a node that is ready."""
        deadline = time.monotonic() + PATIENCE_S
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"{self.url}/readyz", timeout=10)).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                if time.monotonic() > deadline or self.balancer is None or self.balancer.poll() is not None:
                    raise AssertionError((self.folder / "haproxy.log").read_text("utf-8")[-3000:])
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        """End all parts."""
        if self.balancer is not None and self.balancer.poll() is None:
            self.kill_balancer()
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.kill()
        for server in (self.standby, self.primary):
            server.stop(signal.SIGKILL)
        self.links.close()


@asynccontextmanager
async def running() -> AsyncIterator[Cluster]:
    """A cluster, gone at the end."""
    folder = _folder()
    cluster = Cluster(folder)
    try:
        await cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    """One that the databases' user may enter, too."""
    folder = Path(tempfile.mkdtemp(prefix="recollect-cluster-"))
    folder.chmod(0o755)
    return folder


async def _run() -> None:
    async with running() as cluster:
        sys.stdout.write(f"HTTP {cluster.url}/docs\ngRPC 127.0.0.1:{cluster.grpc_port}\n")
        sys.stdout.writelines(f"node {node.url}\n" for node in cluster.nodes)
        sys.stdout.write(f"primary {cluster.primary.url}\nstandby {cluster.standby.url}\nCtrl-C ends it.\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    lack = absence()
    if lack:
        sys.exit(lack)
    with suppress(KeyboardInterrupt):
        asyncio.run(_run())
