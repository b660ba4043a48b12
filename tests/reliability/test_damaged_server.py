"""The whole server on a store that a disk has changed: refusals instead of wrong answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import environment, free_port, start, stop
from tests.cli.forking import Ran

PATIENCE_S = 120.0
SPACE = {"X-Memory-Space": "diary"}


def recollect(data: Path, *arguments: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "recollect", *arguments],
        env=environment(data),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def fill(url: str) -> None:
    with httpx.Client(base_url=f"{url}/api/v1") as client:
        for space in ("diary", "other"):
            assert client.put(f"/spaces/{space}", json={}).status_code == 201
            rows = [{"id": f"e{n}", "fields": {"what": f"walk{n}", "where": "park"}} for n in range(50)]
            sent = client.post("/imports", json={"items": rows}, headers={"X-Memory-Space": space})
            assert sent.json()["accepted"] == 50


def flip(path: Path, found: bytes) -> None:
    """Change one bit of the first place that holds these bytes."""
    content = bytearray(path.read_bytes())
    content[content.index(found)] ^= 1
    path.write_bytes(content)


def wait_for(url: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = httpx.get(url)
        if answer.status_code == status or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


@pytest.mark.slow
def test_one_flipped_bit_is_found_named_and_healed_from_a_backup(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    served = start(data)
    fill(served.url)
    assert recollect(data, "check").out == "The store is sound.\n"
    assert recollect(data, "backup", str(copy)).code == 0
    refused = recollect(data, "restore", str(copy))
    assert refused.code == 1
    assert "A server runs on this data folder" in refused.err
    second = recollect(data, "serve", "--port", str(free_port()))
    assert second.code == 2
    assert str(served.process.pid) in second.err
    assert stop(served) == 0
    flip(data / "recollect.db", b'walk7"')

    served = start(data)
    api = f"{served.url}/api/v1"
    unready = wait_for(f"{served.url}/readyz", 503)
    assert unready.json()["code"] == "STORE_CORRUPT", "nobody had to ask for the row"
    cue = {"partial_episode": {"known_fields": {"what": "walk3"}}}
    for answer in (
        httpx.get(f"{api}/episodes/e7", headers=SPACE),
        httpx.post(f"{api}/complete", json=cue, headers=SPACE),
        httpx.post(f"{api}/episodes", json={"fields": {"what": "new"}}, headers=SPACE),
        httpx.post(f"{api}/episodes", json={"fields": {"what": "new"}}, headers={"X-Memory-Space": "other"}),
        httpx.put(f"{api}/spaces/third", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "STORE_CORRUPT")
        assert not answer.json()["retryable"]
    assert httpx.get(f"{api}/episodes/e8", headers=SPACE).status_code == 200
    assert httpx.post(f"{api}/complete", json=cue, headers={"X-Memory-Space": "other"}).status_code == 200
    assert httpx.get(f"{served.url}/livez").status_code == 200
    named = recollect(data, "check", "--json")
    assert named.code == 6
    (fault,) = json.loads(named.out)["faults"]
    assert (fault["table"], fault["space"]) == ("episode", "diary")
    assert "'e7'" in fault["row"]
    assert "walk" not in named.out
    assert stop(served) == 0

    restored = recollect(data, "restore", str(copy))
    assert restored.code == 0, restored.err
    served = start(data)
    api = f"{served.url}/api/v1"
    assert httpx.get(f"{served.url}/readyz").status_code == 200
    assert httpx.get(f"{api}/episodes/e7", headers=SPACE).json()["fields"]["what"] == "walk7"
    assert httpx.post(f"{api}/episodes", json={"fields": {"what": "new"}}, headers=SPACE).status_code == 201
    assert stop(served) == 0


def test_an_emptied_store_is_refused_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    path.write_bytes(b"")
    for arguments in (("serve", "--port", str(free_port())), ("check",)):
        refused = recollect(tmp_path, *arguments)
        assert refused.code != 0
        assert "is empty" in refused.err
    assert path.read_bytes() == b""
