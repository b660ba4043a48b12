"""What `deploy/` starts: its parts agree with one another and with the service, and the programs that read them do."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recollect.settings import Settings, variable
from recollect.store.postgres.connections import MOST_CONNECTIONS

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
COMPOSED = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSED["services"]
NODES = {name: each for name, each in SERVICES.items() if name.startswith("node")}
PORTS = re.findall(r"^EXPOSE (\d+) (\d+)$", CONTAINERFILE, re.MULTILINE)[0]
HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
BALANCER = DEPLOY / "cluster" / "haproxy.cfg"
UNIT = DEPLOY / "systemd" / "recollect.service"


def test_everything_that_is_mounted_or_built_from_is_there() -> None:
    mounted = [volume.split(":")[0] for each in SERVICES.values() for volume in each.get("volumes", [])]
    assert all((DEPLOY / path).exists() for path in mounted if path.startswith("."))
    assert {path for path in mounted if not path.startswith(".")} == set(COMPOSED["volumes"])
    copied = re.findall(r"^COPY ([^-]\S*) ", CONTAINERFILE, re.MULTILINE)
    assert copied
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_is_built_from_what_the_build_reads_and_from_nothing_else() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    setup = (ROOT / "setup.py").read_text("utf-8")
    read = {name.split("/")[0] for name in re.findall(r'"([a-z_/]+)"', setup.partition("FOLDERS = (")[2].split(")")[0])}
    assert kept == read | {"*.md", "LICENSE", "engine", "handlers", "openapi.yaml", "pyproject.toml", "recollect"} | {
        "requirements",
        "setup.py",
    }


def test_the_settings_of_image_nodes_and_unit_exist() -> None:
    known = {variable(each) for each in dataclasses.fields(Settings)}
    told = CONTAINERFILE + str(NODES) + UNIT.read_text("utf-8")
    assert set(re.findall(r"RECOLLECT_[A-Z_]+", told)) <= known


def test_balancer_and_prometheus_know_every_node_and_the_database_has_room_for_them() -> None:
    told = SERVICES["balancer"]["environment"]
    for number, node in enumerate(NODES.values(), 1):
        address = node["networks"]["default"]["ipv4_address"]
        assert told[f"NODE{number}_HTTP"] == f"{address}:{PORTS[0]}"
        assert told[f"NODE{number}_GRPC"] == f"{address}:{PORTS[1]}"
        assert told[f"NODE{number}_PORT"] == PORTS[0]
    assert set(told) == set(re.findall(r'"\$\{(\w+)\}"', BALANCER.read_text("utf-8")))
    [watched] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    assert watched["static_configs"][0]["targets"] == [f"{name}:{PORTS[0]}" for name in NODES]
    [room] = re.findall(r"max_connections=(\d+)", str(SERVICES["database"]["command"]))
    assert len(NODES) * Settings().workers * (MOST_CONNECTIONS + 1) < int(room)  # one more is the heartbeat's


@pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed")
def test_the_balancer_takes_its_configuration_with_the_addresses_of_the_nodes() -> None:
    done = subprocess.run(
        [str(HAPROXY), "-c", "-f", str(BALANCER)],
        env=SERVICES["balancer"]["environment"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_one_of_systemd(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/recollect/bin/recollect", "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
