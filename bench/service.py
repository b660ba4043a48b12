"""A real service to measure: gunicorn, its store in a temporary folder, on a free port of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

BATCH = 256
START_TIMEOUT_S = 60.0
Json = dict[str, Any]


@contextmanager
def running(workers: int = 1, **settings: str) -> Iterator[Service]:
    """A service that is ready, stopped at the end with everything it stored."""
    port, grpc_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="recollect-bench-") as folder:
        environment = {
            **os.environ,
            "RECOLLECT_DATA": folder,
            "RECOLLECT_PORT": str(port),
            "RECOLLECT_GRPC_PORT": str(grpc_port),
            "RECOLLECT_WORKERS": str(workers),
            "RECOLLECT_DEMO": "false",
            "RECOLLECT_CONSOLIDATE": "manual",
            **{f"RECOLLECT_{name.upper()}": value for name, value in settings.items()},
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "recollect", "serve"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600.0) as client:
                _wait(client, process)
                yield Service(client, f"127.0.0.1:{grpc_port}", process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


class Service:
    """What the measurements ask of a running service."""

    def __init__(self, client: httpx.Client, grpc_address: str, process_id: int) -> None:
        self.client = client
        self.grpc_address = grpc_address
        self.process_id = process_id

    def create_space(self, space_id: str, **body: Any) -> None:
        """Create an empty memory space."""
        self.client.put(f"/api/v1/spaces/{space_id}", json=body).raise_for_status()

    def import_records(self, space_id: str, records: Sequence[Mapping[str, Any]]) -> Json:
        """Import flat records or episode inputs as one NDJSON stream; the report of the import."""
        body = b"\n".join(orjson.dumps(record) for record in records)
        headers = {"X-Memory-Space": space_id, "Content-Type": "application/x-ndjson"}
        response = self.client.post("/api/v1/imports", content=body, headers=headers)
        response.raise_for_status()
        report: Json = response.json()
        if report["accepted"] != len(records):
            raise RuntimeError(f"{len(records) - report['accepted']} of {len(records)} records were not taken")
        return report

    def complete_all(self, space_id: str, requests: Sequence[Json], *, verbose: bool = True) -> Iterator[Json]:
        """Every request's batch item, in order."""
        for start in range(0, len(requests), BATCH):
            body = orjson.dumps({"items": requests[start : start + BATCH]})
            headers = {"X-Memory-Space": space_id, "Content-Type": "application/json"}
            params = {"verbose": str(verbose).lower()}
            response = self.client.post("/api/v1/complete/batch", content=body, headers=headers, params=params)
            response.raise_for_status()
            yield from response.json()["items"]

    def worker_memory(self) -> int:
        """The bytes of the largest worker; what it shares with others counts in parts (PSS)."""
        return (
            max(_proportional_kb(Path(f"/proc/{worker}/smaps_rollup").read_text()) for worker in self._workers()) * 1024
        )

    def memory(self) -> int:
        """The bytes of all its processes; what they share counts once."""
        processes = (str(self.process_id), *self._workers())
        return sum(_proportional_kb(Path(f"/proc/{each}/smaps_rollup").read_text()) for each in processes) * 1024

    def worker_cpu_s(self) -> float:
        """The processor time that all threads of all workers have had."""
        threads = (thread for worker in self._workers() for thread in Path(f"/proc/{worker}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def _workers(self) -> list[str]:
        return Path(f"/proc/{self.process_id}/task/{self.process_id}/children").read_text().split()

    def post(self, space_id: str, path: str, body: Json) -> httpx.Response:
        """One POST to the data plane."""
        headers = {"X-Memory-Space": space_id, "Content-Type": "application/json"}
        return self.client.post(f"/api/v1{path}", content=orjson.dumps(body), headers=headers)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with exit code {process.returncode}; `recollect serve` tells why")
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the service was not ready within {START_TIMEOUT_S:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _proportional_kb(rollup: str) -> int:
    """What `smaps_rollup` of a process calls Pss, in kB."""
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
