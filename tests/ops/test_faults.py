"""A live service under Prometheus: every panel and alert has data, and each alert fires when its fault is injected.

`make test-ops`. Waits are those of the rules cut to seconds; nothing else about them is changed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cli.conftest import environment, free_port
from tests.ops.test_rules import RULES, alerts, panels
from tests.reliability.test_full_disk import Small, has_own_mounts

pytestmark = [
    pytest.mark.ops,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed: apt-get install it"),
    pytest.mark.skipif(not has_own_mounts(), reason="no user namespaces: no small disk can be mounted"),
]
PATIENCE_S = 300.0
WINDOW = "15s"
SPACE = {"X-Memory-Space": "ops"}
MEALS = [("breakfast", "kitchen"), ("lunch", "canteen"), ("dinner", "restaurant")]
LUNCH = {"partial_episode": {"known_fields": {"what": "lunch"}}}
UNKNOWABLE = {**LUNCH, "config": {"ca1_threshold": 1.0}}


class Service(Small):
    """The server on a disk of its own, with room for few at once."""

    def start(self) -> None:
        into = ["nsenter", f"--target={self.keeper.pid}", "--user", "--mount", "--preserve-credentials"]
        command = [sys.executable, "-m", "recollect", "serve", "--port", str(self.port), "--workers", "2"]
        with self.output.open("ab") as output:
            self.server = subprocess.Popen(
                [*into, *command],
                env=environment(self.folder, RECOLLECT_DEMO="false", RECOLLECT_MAX_IN_FLIGHT="3"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.wait_until_ready()

    def end(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(60)

    def processes(self, *words: str) -> list[int]:
        """Those of this server whose command line has all the words."""
        assert self.server is not None
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if os.getpgid(int(entry.name)) == self.server.pid and all(word in command for word in words):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


class Watcher:
    """Prometheus, looking every second."""

    def __init__(self, folder: Path, target: str) -> None:
        self.port = free_port()
        rules = re.sub(r"for: \w+", "for: 0s", re.sub(r"\[\w+\]", f"[{WINDOW}]", RULES.read_text("utf-8")))
        (folder / "alerts.yaml").write_text(rules, encoding="utf-8")
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [{"job_name": "recollect", "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=error",
            ]
        )

    def ask(self, what: str, **given: str) -> Any:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/v1/{what}", params=given, timeout=30).json()["data"]
        except httpx.TransportError:
            return {}

    def has_data(self, expression: str) -> bool:
        asked = expression.replace("$__rate_interval", WINDOW)
        asked = re.sub(r"\[\d+[mh]\]", f"[{WINDOW}]", asked)
        return bool(self.ask("query", query=asked).get("result"))

    def firing(self) -> set[str]:
        found = self.ask("alerts").get("alerts", [])
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("ops") / "data"
    folder.mkdir()
    service = Service(folder)
    try:
        service.start()
        yield service
    finally:
        if service.server is not None and service.server.poll() is None:
            service.end()
        service.keeper.kill()
        service.keeper.wait()
        assert service.keeper.stdout is not None
        service.keeper.stdout.close()


@pytest.fixture(scope="module")
def watcher(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watcher]:
    watcher = Watcher(tmp_path_factory.mktemp("watcher"), service.url.removeprefix("http://"))
    yield watcher
    watcher.process.terminate()
    watcher.process.wait(60)


def post(service: Service, operation: str, document: object) -> httpx.Response:
    return httpx.post(f"{service.url}/api/v1/{operation}", json=document, headers=SPACE, timeout=60)


def until(holds: Callable[[], bool], act: Callable[[], object] = lambda: time.sleep(0.5)) -> bool:
    """Act until it holds; False after all patience."""
    ends_at = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > ends_at:
            return False
        act()
    return True


def use(service: Service, verdict: str = "right") -> None:
    """Some of everything that callers do."""
    fields = dict(zip(("what", "where"), MEALS[int(time.monotonic()) % 3], strict=True))
    post(service, "episodes", {"fields": fields})
    completed = post(service, "complete?verbose=true", LUNCH)
    if completed.status_code == 200:
        told = {"completion_id": completed.json()["completion_id"], "field": "where", "verdict": verdict}
        post(service, "feedback", told)
    post(service, "complete/batch", {"items": [LUNCH, LUNCH]})
    post(service, "complete", LUNCH)
    post(service, "complete/stream", LUNCH)
    time.sleep(0.05)


def prepare(service: Service) -> None:
    httpx.put(f"{service.url}/api/v1/spaces/ops", json={}).raise_for_status()
    items = [{"fields": dict(zip(("what", "where"), MEALS[n % 3], strict=True))} for n in range(60)]
    post(service, "imports", {"items": items}).raise_for_status()
    post(service, "consolidate", {"wait": True})


def test_every_panel_and_alert_has_data_under_traffic(service: Service, watcher: Watcher) -> None:
    prepare(service)
    asked = {f"panel {title}": each for title, found in panels().items() for each in found}
    for name, rule in alerts().items():
        asked[name] = re.sub(r"( == 0| [<>] [\d.]+)$", "", str(rule["expr"]).strip())
    told = dict.fromkeys(asked, False)

    def look() -> bool:
        told.update({name: told[name] or watcher.has_data(each) for name, each in asked.items()})
        return all(told.values())

    def act() -> None:
        use(service)
        post(service, "complete", UNKNOWABLE)

    until(look, act)
    assert [name for name, has in told.items() if not has] == []
    assert until(lambda: not watcher.firing(), lambda: use(service)), watcher.firing()


def in_parallel(act: Callable[[], object], clients: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds

    def go() -> None:
        while time.monotonic() < ends_at:
            try:
                act()
            except httpx.TransportError:
                time.sleep(0.05)

    threads = [threading.Thread(target=go) for _ in range(clients)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def overload(service: Service) -> None:
    many = {"items": [LUNCH] * 100}
    in_parallel(lambda: post(service, "complete/batch", many), 24, 3)


def halt(service: Service) -> None:
    """Stop the workers for a while, in the midst of requests."""
    asking = threading.Thread(target=in_parallel, args=(lambda: post(service, "complete", LUNCH), 4, 5))
    asking.start()
    for _ in range(2):
        stopped = [pid for pid in service.processes("serve") if service.server and pid != service.server.pid]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.2)
    asking.join()


def interrupt(service: Service) -> None:
    """Kill a learning under way."""
    post(service, "consolidate", {})
    until(lambda: bool(service.processes("learn")) or not _is_learning(service), lambda: time.sleep(0.01))
    for pid in service.processes("learn"):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1)


def _is_learning(service: Service) -> bool:
    told = httpx.get(f"{service.url}/api/v1/consolidation", headers=SPACE, timeout=60).json()
    return told.get("status") in {"queued", "running"}


def refuse(service: Service) -> None:
    for _ in range(20):
        post(service, "complete", UNKNOWABLE)


def fill_disk(service: Service) -> None:
    ballast = service.seen / "ballast"
    room = shutil.disk_usage(service.seen)
    with ballast.open("ab") as file:
        file.write(b"x" * max(0, room.free - room.total // 20))
    time.sleep(1)


def fires(watcher: Watcher, name: str, act: Callable[[], object] = lambda: time.sleep(0.5)) -> bool:
    """Whether an alert fires while its fault is injected again and again."""
    return until(lambda: name in watcher.firing(), act)


def test_each_alert_fires_when_its_fault_is_injected(service: Service, watcher: Watcher) -> None:
    faults: dict[str, Callable[[], object]] = {
        "RecollectRefusing": lambda: refuse(service),
        "RecollectMiscalibrated": lambda: use(service, verdict="wrong"),
        "RecollectJobsFailing": lambda: interrupt(service),
        "RecollectSlow": lambda: halt(service),
        "RecollectOverloaded": lambda: overload(service),
        "RecollectErrors": lambda: overload(service),
        "RecollectDiskNearlyFull": lambda: fill_disk(service),
    }
    fired = [name for name, act in faults.items() if fires(watcher, name, act)]
    (service.seen / "ballast").unlink(missing_ok=True)
    service.end()
    store = service.seen / "recollect.db"
    content = bytearray(store.read_bytes())
    content[content.index(b"canteen")] ^= 1
    store.write_bytes(content)
    service.start()
    fired += ["RecollectStoreFenced"] if fires(watcher, "RecollectStoreFenced") else []
    service.end()
    fired += ["RecollectDown"] if fires(watcher, "RecollectDown") else []
    assert sorted(fired) == sorted(alerts())
