"""Dashboards, alerts and runbook speak of what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from recollect import telemetry

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "recollect.json"
_METRIC = re.compile(r"\brecollect_\w+")


def alerts() -> dict[str, dict[str, object]]:
    """The alerts by name."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels() -> dict[str, list[str]]:
    """The expressions of every panel by its title."""
    found = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return {each["title"]: [target["expr"] for target in each["targets"]] for each in found if each["type"] != "row"}


def known() -> set[str]:
    names = set(telemetry.Metrics.names())
    return names | {f"{name}_{end}" for name in names for end in ("bucket", "sum", "count")}


def test_alerts_and_panels_use_metrics_that_exist() -> None:
    used = [str(rule["expr"]) for rule in alerts().values()] + [each for found in panels().values() for each in found]
    assert {name for each in used for name in _METRIC.findall(each)} <= known()


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(each for found in panels().values() for each in found)
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _METRIC.findall(shown)}
    by_alert = {"recollect_turn_refusals_total", "recollect_upkeep_failures_total", "recollect_space_requests_total"}
    assert set(telemetry.Metrics.names()) - bare <= by_alert


def test_every_alert_has_its_section_in_the_runbook() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(alerts())
    for name, rule in alerts().items():
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        assert annotations["runbook"] == f"guide/runbook/#{name.lower()}"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_rules_are_prometheus(tmp_path: Path) -> None:
    shutil.copytree(RULES.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "key").write_text("rk_", encoding="utf-8")
    done = subprocess.run(["promtool", "check", "config", str(tmp_path / "prometheus.yaml")], check=False)
    assert done.returncode == 0
