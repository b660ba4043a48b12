"""The contract against a running server: `make fuzz` (ARGS="--examples 1000 --seed 7").

All checks and all phases of schemathesis: the examples of the contract, the edges of every
schema, drawn data good and bad, and sequences of calls along the links. The server is the real
one: gunicorn, two workers, SQLite, keys on, several memory spaces.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.contract.server import Server, serving

ROOT = Path(__file__).parent.parent.parent
SPACES = {"fuzz-plain": {}, "fuzz-vectors": {"embedding_dimensions": 3}, "fuzz-changed": {}, "fuzz-deleted": {}}
EPISODES = [
    {"fields": {"what": what, "where": where, "count": count}} for count in range(4)
    for what, where in [("walk", "park"), ("lunch", "canteen"), ("swim", "lake")]
]  # fmt: skip
# What is completed beforehand, for feedback on it, and the variable that tells the hooks its id.
CUE = {"partial_episode": {"known_fields": {"what": "walk"}}, "targets": ["where"]}
COMPLETION = "FUZZ_COMPLETION"


@dataclass(frozen=True)
class Outcome:
    """What a run found. `faults` are the lines the server logged as errors, of which there must be none."""

    status: int
    output: str
    faults: tuple[str, ...]
    cases: int
    operations: int


def fuzz(examples: int, seed: int, folder: Path) -> Outcome:
    """Run schemathesis against a server of its own."""
    with serving(folder, with_key=True) as server:
        completion_id = _prepare(server)
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "--config-file", "tests/contract/schemathesis.toml",
            "run", "openapi.yaml", "--url", server.api, "--header", f"Authorization: Bearer {server.key}",
            "--max-examples", str(examples), "--seed", str(seed), "--checks", "all",
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"}
        environment[COMPLETION] = completion_id
        done = subprocess.run(
            command, cwd=ROOT, env=environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log = (folder / "output.log").read_text("utf-8")
    return Outcome(
        status=done.returncode,
        output=done.stdout,
        faults=tuple(line for line in log.splitlines() if '"level":"error"' in line or "Traceback" in line),
        cases=_number(r"(\d+) generated", done.stdout),
        operations=_number(r"Tested: (\d+)", done.stdout),
    )


def _prepare(server: Server) -> str:
    """Make the memory spaces that the configuration names; the id of a completion in one of them."""
    with httpx.Client(base_url=server.api, headers=server.headers, timeout=60) as client:
        for space, settings in SPACES.items():
            client.put(f"spaces/{space}", json=settings).raise_for_status()
            client.post("imports", json={"items": EPISODES}, headers={"X-Memory-Space": space}).raise_for_status()
        reply = client.post("complete", json=CUE, headers={"X-Memory-Space": "fuzz-plain"}).raise_for_status()
    completion_id: str = reply.json()["completion_id"]
    return completion_id


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def main() -> int:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="drawn per operation (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of an earlier run, to repeat it")
    options = parser.parse_args()
    print(f"Fuzzing with seed {options.seed}, {options.examples} examples per operation ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = fuzz(options.examples, options.seed, Path(folder))
    print(outcome.output, *outcome.faults, sep="\n")
    return outcome.status or (1 if outcome.faults else 0)


if __name__ == "__main__":
    sys.exit(main())
