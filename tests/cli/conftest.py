"""A real server for the command line to talk to, on a port and a data folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.forking import Forking, Ran

# How long to wait for what must happen: a machine that is shared may be ten times slower, never this slow.
START_S = COMMAND_S = 600.0


@dataclass
class Served:
    """A running `recollect serve`."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None


def environment(data: Path, **variables: str) -> dict[str, str]:
    """This process's environment, without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOLLECT_")}
    kept |= {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "RECOLLECT_DATA": str(data), "RECOLLECT_GRPC_PORT": "0"}
    kept |= {"RECOLLECT_CONSOLIDATE": "manual"}
    return kept | variables


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(data: Path, **variables: str) -> Served:
    """Start a server and wait until it has printed its address."""
    port, host = free_port(), variables.get("RECOLLECT_HOST", "127.0.0.1")
    process = subprocess.Popen(
        [sys.executable, "-m", "recollect", "serve", "--port", str(port), "--workers", "2"],
        env=environment(data, **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    served = Served(f"http://{f'[{host}]' if ':' in host else host}:{port}", data, process)
    is_ready = threading.Event()

    def follow() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            served.output.append(line)
            if re.search(r"answers at http://\S+:\d+", line):
                is_ready.set()
        is_ready.set()

    served.reader = threading.Thread(target=follow, daemon=True)
    served.reader.start()
    is_ready.wait(START_S)
    if process.poll() is not None or not is_ready.is_set():
        stop(served)
        pytest.fail("the server did not start:\n" + "".join(served.output))
    return served


def stop(served: Served) -> int:
    """End a server as an operator would; returns its exit code."""
    served.process.send_signal(signal.SIGTERM)
    try:
        served.process.wait(30)
    except subprocess.TimeoutExpired:
        served.process.kill()
    code = served.process.wait(10)
    assert served.reader is not None
    assert served.process.stdout is not None
    served.reader.join(10)
    served.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("served"))
    yield served
    assert stop(served) == 0, "".join(served.output)


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    """Commands in processes of their own."""
    made = Forking()
    yield made
    made.close()


@pytest.fixture(scope="session")
def recollect(server: Served, forking: Forking) -> Callable[..., Ran]:
    """Run a command against the server, as a user would."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> Ran:
        told = environment(server.data, RECOLLECT_PORT=server.url.rpartition(":")[2], **variables)
        return forking.run(arguments, told, stdin=stdin)

    return run
