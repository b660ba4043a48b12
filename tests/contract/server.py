"""A real server to test against: gunicorn, two workers, a store, a port and a data folder of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 90.0
STOP_S = 30.0


@dataclass(frozen=True)
class Server:
    """A running `recollect serve`, and a key that may do everything there if it has keys."""

    url: str
    data: Path
    key: str | None = None

    @property
    def api(self) -> str:
        """Where the operations are."""
        return f"{self.url}/api/v1"

    @property
    def headers(self) -> dict[str, str]:
        """What a request needs beside its space."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


@contextmanager
def serving(data: Path, *, with_key: bool = False, **variables: str) -> Iterator[Server]:
    """Run a server until the block ends; its output goes to a file in the data folder."""
    data.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECOLLECT_")}
    environment |= {"RECOLLECT_CONSOLIDATE": "manual"}
    environment |= {"NO_COLOR": "1", "RECOLLECT_DATA": str(data), "RECOLLECT_GRPC_PORT": "0", **variables}
    port = _free_port()
    command = [sys.executable, "-m", "recollect", "serve", "--port", str(port), "--workers", "2"]
    key = make_key(environment) if with_key else None
    with (data / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/readyz", data / "output.log")
            yield Server(f"http://127.0.0.1:{port}", data, key)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_environment(data: Path, **variables: str) -> dict[str, str]:
    """This process's environment, without settings of whoever runs the tests."""
    data.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOLLECT_")}
    return kept | {"NO_COLOR": "1", "RECOLLECT_DATA": str(data), "RECOLLECT_GRPC_PORT": "0", **variables}


def make_key(environment: dict[str, str]) -> str:
    """A key that may do everything, in the data folder that the environment names."""
    command = [sys.executable, "-m", "recollect", "keys", "create", "--json"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    key: str = json.loads(made.stdout)["key"]
    return key


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{output.read_text('utf-8')[-4000:]}")
