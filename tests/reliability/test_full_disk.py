"""The whole server on a disk that fills up: reads go on, writes are refused, and all is well once there is room."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import environment, free_port

PATIENCE_S = 300.0
SIZE, BALLAST_BYTES = "12m", 3_000_000
SPACE = {"X-Memory-Space": "diary"}
SEED = 20261127
PROBE = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]


def has_own_mounts() -> bool:
    """Whether this user may mount a small file system of his own."""
    return (
        shutil.which("unshare") is not None and subprocess.run(PROBE, capture_output=True, check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(not has_own_mounts(), reason="no user namespaces: no small file system can be mounted")


class Small:
    """A server whose data folder is a file system of 12 MB that nobody else sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder.with_name("output.log")
        self.keeper = subprocess.Popen(
            [*PROBE[:4], "sh", "-c", f"mount -t tmpfs -o size={SIZE} none {folder} && echo mounted && exec sleep 3600"],
            stdout=subprocess.PIPE,
        )
        assert self.keeper.stdout is not None
        assert self.keeper.stdout.readline() == b"mounted\n"
        self.seen = Path(f"/proc/{self.keeper.pid}/root{folder}")
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        into = ["nsenter", f"--target={self.keeper.pid}", "--user", "--mount", "--preserve-credentials"]
        command = [sys.executable, "-m", "recollect", "serve", "--port", str(self.port), "--workers", "2"]
        with self.output.open("ab") as output:
            self.server = subprocess.Popen(
                [*into, *command],
                env=environment(self.folder, RECOLLECT_DEMO="false"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.server is not None
            assert self.server.poll() is None, self.output.read_text("utf-8")[-4000:]
            try:
                if httpx.get(f"{self.url}/readyz", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        pytest.fail("the server does not become ready:\n" + self.output.read_text("utf-8")[-4000:])

    def workers(self) -> list[int]:
        assert self.server is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.server.pid)], capture_output=True, text=True, check=True
        )
        return [int(pid) for pid in listed.stdout.split()]

    def stop(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            assert self.server.wait(60) == 0
            self.server = None

    def close(self) -> None:
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
        self.keeper.kill()
        self.keeper.wait()
        assert self.keeper.stdout is not None
        self.keeper.stdout.close()


@contextmanager
def small(folder: Path) -> Iterator[Small]:
    folder.mkdir()
    served = Small(folder)
    try:
        yield served
    finally:
        served.close()


def fill(client: httpx.Client, choose: random.Random, name: str, refusals_wanted: int) -> list[str]:
    """Write episodes of 30 KB until the disk is full; the ids that were acknowledged."""
    acknowledged: list[str] = []
    refusals = 0
    for n in range(1000):
        text = "".join(choose.choices("abcdefghij ", k=30_000))
        sent = client.put(f"/api/v1/episodes/{name}{n}", json={"fields": {"text": text}}, headers=SPACE)
        if sent.status_code == 201:
            acknowledged.append(f"{name}{n}")
            continue
        assert (sent.status_code, sent.json()["code"]) == (507, "STORAGE_FULL"), sent.text
        assert sent.headers["content-type"] == "application/problem+json"
        refusals += 1
        if refusals == refusals_wanted:
            return acknowledged
    pytest.fail("the disk did not become full")


def take_the_rest(path: Path) -> None:
    """Leave not a page free, for the pages of a map either."""
    with path.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def require_reads(client: httpx.Client, acknowledged: list[str]) -> None:
    listed: list[str] = []
    cursor = None
    while cursor is not None or not listed:
        given = {"limit": 50} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/episodes", params=given, headers=SPACE).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert set(acknowledged) <= set(listed)
    for _ in range(20):  # both workers
        assert client.get(f"/api/v1/episodes/{acknowledged[0]}", headers=SPACE).status_code == 200
        assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
        assert client.get("/metrics").status_code == 200
    asked = {"partial_episode": {"known_fields": {"what": "walk"}}, "config": {"ca1_threshold": 0}}
    assert client.post("/api/v1/complete", json=asked, headers=SPACE).status_code in {200, 422}


@pytest.mark.slow
def test_a_full_disk_refuses_writes_only_and_recovers_when_room_is_made(tmp_path: Path) -> None:
    choose = random.Random(SEED)
    with small(tmp_path / "data") as served:
        ballast = served.seen / "ballast"
        ballast.write_bytes(bytes(BALLAST_BYTES))
        served.start()
        with httpx.Client(base_url=served.url, timeout=60) as client:
            assert client.put("/api/v1/spaces/diary", json={}).status_code == 201
            for n in range(40):
                fields = {"what": "walk", "where": "park" if n % 2 else "wood"}
                assert client.post("/api/v1/episodes", json={"fields": fields}, headers=SPACE).status_code == 201
            acknowledged = fill(client, choose, "a", 12)
            assert len(acknowledged) > 50
            with pytest.raises(OSError, match="No space"):
                take_the_rest(served.seen / "filler")
            require_reads(client, acknowledged)
            before = set(served.workers())
            assert len(before) == 2
            for pid in before:  # workers must start on the full disk, too
                os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + PATIENCE_S
            while len(set(served.workers()) - before) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
        served.wait_until_ready()
        with httpx.Client(base_url=served.url, timeout=60) as client:
            require_reads(client, acknowledged)
            fill(client, choose, "b", 3)
        served.stop()
        served.start()  # and the whole service
        with httpx.Client(base_url=served.url, timeout=60) as client:
            require_reads(client, acknowledged)
            fill(client, choose, "c", 3)
            ballast.unlink()
            again = fill(client, choose, "d", 3)
            assert len(again) > 10, "there is room again"
            require_reads(client, acknowledged + again)
        served.stop()
    assert "Traceback" not in served.output.read_text("utf-8")
    assert "SIGBUS" not in served.output.read_text("utf-8")
