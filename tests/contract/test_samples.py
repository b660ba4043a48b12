"""The code beside every operation is run on a live server: curl by a shell, Python here, JavaScript by Node."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from recollect import samples
from tests.contract.server import Server, serving

ROOT = Path(__file__).parents[2]
CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
OPERATIONS = {
    operation["operationId"]: {sample["lang"]: sample["source"] for sample in operation["x-codeSamples"]}
    for item in samples.with_samples(CONTRACT)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict)
}
# What makes comes before what needs it, what erases last.
FIRST, LAST = ("put_space", "create_episode", "put_episode"), ("delete_episode", "delete_space")
ORDER = [*FIRST, *(name for name in OPERATIONS if name not in FIRST + LAST), *LAST]
OWN = {"X-Memory-Space": samples.OWN}
DAYS = [{"fields": {"what": what, "where": where}} for what, where in [("breakfast", "kitchen"), ("run", "park")] * 30]
NAMED = [{"id": name, "fields": {"what": "breakfast"}} for name in ("ep_demo_0001", "ep_demo_0006", "ep_1", "ep_2")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("samples")) as served:
        yield served


@pytest.fixture
def sources(server: Server) -> dict[str, dict[str, str]]:
    """The samples for this server, whose space of the reader's own has been lived in."""
    with httpx.Client(base_url=server.api, headers=OWN, timeout=60) as client:
        client.delete(f"/spaces/{samples.OWN}")  # a language that failed has left it
        client.put(f"/spaces/{samples.OWN}", json={}).raise_for_status()
        client.post("/imports", json={"items": [*DAYS, *NAMED]}).raise_for_status()
        cue = {"partial_episode": {"known_fields": {"what": "run"}}, "config": {"ca1_threshold": 0}}
        judged = client.post("/complete", json=cue).raise_for_status().json()["completion_id"]
        merged = client.post("/merge", json={"episode_ids": ["ep_1", "ep_2"]}).raise_for_status().json()["revision"]
    known = {r"cmp_\w+": judged, r'"revision": 122\b': f'"revision": {merged}'}
    return {
        name: {
            language: _put_in(source.replace(samples.ORIGIN, server.url), known)
            for language, source in OPERATIONS[name].items()
        }
        for name in ORDER
    }


def _put_in(source: str, known: dict[str, str]) -> str:
    """A sample that speaks of what is there."""
    for pattern, own in known.items():
        source = re.sub(pattern, own, source)
    return source


def test_every_operation_has_a_sample_in_each_language() -> None:
    assert len(OPERATIONS) == sum(
        "operationId" in part for item in CONTRACT["paths"].values() for part in item.values() if isinstance(part, dict)
    )
    assert all(set(found) == {"Shell", "Python", "JavaScript"} for found in OPERATIONS.values())


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_shell_samples_run(sources: dict[str, dict[str, str]]) -> None:
    for name, source in sources.items():
        done = subprocess.run(
            ["bash", "-c", f"{source['Shell']} --fail-with-body"], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{name}: {source['Shell']}\n{done.stdout}{done.stderr}"


def test_the_python_samples_run(sources: dict[str, dict[str, str]]) -> None:
    """In a process of their own, as a reader runs them: nothing there minds that a client is not closed."""
    program = "import json, sys\nfor name, source in json.load(sys.stdin):\n    exec(compile(source, name, 'exec'), {})"
    told = json.dumps([(name, source["Python"]) for name, source in sources.items()])
    path = os.pathsep.join(str(ROOT / folder) for folder in ("clients/python", "generated_clients/python"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        input=told,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_the_javascript_samples_run(sources: dict[str, dict[str, str]], tmp_path: Path) -> None:
    check = 'if (!answer.ok) throw new Error("{name}: " + answer.status);'
    blocks = [
        f"{{\n{textwrap.indent(source['JavaScript'], '  ')}\n  {check.format(name=name)}\n}}"
        for name, source in sources.items()
    ]
    program = tmp_path / "samples.mjs"
    program.write_text("\n".join(blocks), "utf-8")
    done = subprocess.run(["node", str(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
