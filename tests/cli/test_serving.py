"""What a server process is before, while and after it serves."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from recollect.service.upkeep import FLUSH_EVERY_S
from tests.cli.conftest import start, stop


def test_the_command_line_loads_no_mathematics_and_no_store() -> None:
    heavy = ("numpy", "numexpr", "apsw", "grpc", "connexion")
    every = "import sys, recollect.cli; recollect.cli.command_line()"
    probe = f"{every}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_server_loads_nothing_that_it_never_calls_and_whoever_calls_it_loads_it(tmp_path: Path) -> None:
    probe = """
import gc, json, sys
from recollect.cli import master
from recollect.settings import Settings
gc.disable()
assert master.Master(Settings.from_environment()).wsgi() is not None
loaded = [name for name in master.UNUSED if name in sys.modules]
from connexion import spec
print(json.dumps([loaded, gc.isenabled(), spec.jinja2.Template("{{ 1 + 1 }}").render(), "jinja2" in sys.modules]))
"""
    environment = {**os.environ, "RECOLLECT_DATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == [[], True, "2", True]


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_ipv6, reason="a machine without IPv6")
def test_an_address_of_ipv6_is_served(tmp_path: Path) -> None:
    served = start(tmp_path, RECOLLECT_HOST="::1")
    try:
        assert served.url.startswith("http://[::1]:")
        assert httpx.get(f"{served.url}/api/v1/version").json()["api_version"] == "v1"
    finally:
        stop(served)


@pytest.mark.slow
def test_a_restart_finds_everything_as_it_was(tmp_path: Path) -> None:
    first = start(tmp_path)
    made = httpx.put(f"{first.url}/api/v1/spaces/kept", json={"description": "stays"})
    demo = httpx.get(f"{first.url}/api/v1/spaces/demo").json()
    assert made.status_code == 201
    assert demo["read_only"] is True
    assert stop(first) == 0
    second = start(tmp_path)
    assert httpx.get(f"{second.url}/api/v1/spaces/kept").json() == made.json()
    assert httpx.get(f"{second.url}/api/v1/spaces/demo").json() == demo
    assert stop(second) == 0


@pytest.mark.slow
def test_a_killed_worker_is_replaced_metrics_count_all_workers_and_the_log_is_json(tmp_path: Path) -> None:
    served = start(tmp_path)
    try:
        listed = ["ps", "-o", "pid=", "--ppid", str(served.process.pid)]
        pids = [int(pid) for pid in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()]
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGKILL)
        for _ in range(20):
            assert httpx.get(f"{served.url}/api/v1/version").status_code == 200
        time.sleep(8 * FLUSH_EVERY_S)  # what another worker has counted
        text = httpx.get(f"{served.url}/metrics").text
    finally:
        stop(served)
    counted = [line for line in text.splitlines() if line.startswith("recollect_requests_total{")]
    assert sum(float(line.rpartition(" ")[2]) for line in counted if "get_version" in line) == 20
    for line in served.output:  # what is told to a person names the service; all else is the log
        assert "Recollect " in line or {"time", "level", "event"} <= set(json.loads(line)), line


def test_a_command_loads_no_more_than_it_needs() -> None:
    heavy = (
        "recollect.model",
        "recollect.tables",
        "recollect.cli.serving",
        "rapidfuzz",
        "pydantic",
        "click",
        "pygments",
    )
    probe = "import sys, recollect.cli; code = recollect.cli.run(['import', '/no/such/file', '--space', 'x'])"
    tell = f"print(code, [name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{probe}; {tell}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2 []"
