"""How many of a fixed list of faults the tests catch: `make mutation` (DeMillo, Lipton & Sayward 1978).

Each change of `mutations.toml` is made by itself in a copy of the repository, and the tests nearest to it are run. A
change is caught when they fail; what they let through is listed, and fewer than LEAST caught is a failure. The same
tests must pass on the copy as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("mutations.toml")
LEAST = 0.9  # share of the changes that the tests must catch
COPIED = ("engine", "recollect", "handlers", "tests", "pyproject.toml", "openapi.yaml", "generated_clients", "docs")
LONGEST_S = 600.0  # a change may make a loop endless: then it is caught, too

Change = Mapping[str, str]


def changes() -> list[dict[str, str | list[str]]]:
    """The list."""
    found: list[dict[str, str | list[str]]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["change"]
    return found


def passes(copy: Path, tests: Sequence[str]) -> bool:
    """Whether these tests pass in the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    surroundings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # a cached file of a change must not outlive it
    try:
        return not subprocess.run(
            command, cwd=copy, env=surroundings, capture_output=True, timeout=LONGEST_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return False


def is_caught(copy: Path, file: str, old: str, new: str, tests: Sequence[str]) -> bool:
    """Whether the tests fail with the change made; it is taken back."""
    path = copy / file
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        return not passes(copy, tests)
    finally:
        path.write_text(before, encoding="utf-8")


def main() -> int:
    """Make every change, or those of the files named, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("files", nargs="*", help="parts of the names of files; all if none is named")
    asked = parser.parse_args().files
    chosen = [c for c in changes() if not asked or any(part in str(c["file"]) for part in asked)]
    caught: list[bool] = []
    passed: set[tuple[str, ...]] = set()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy / name)
        for change in chosen:
            file, old, new = (str(change[key]) for key in ("file", "old", "new"))
            tests = tuple(change["tests"])
            if tests not in passed and not passes(copy, tests):
                print(f"{file}: the tests do not pass as they are: {' '.join(tests)}", flush=True)
                return 2
            passed.add(tests)
            caught.append(is_caught(copy, file, old, new, tests))
            print(f"{'caught ' if caught[-1] else 'MISSED '} {file}: {old.strip()} -> {new.strip()}", flush=True)
    print(f"{sum(caught)} of {len(caught)} changes caught")
    return int(sum(caught) < LEAST * len(caught))


if __name__ == "__main__":
    sys.exit(main())
