"""A file in and a file out by the command line: football imported, and filled with a fifth of its cells blank."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.service import running
from bench.speed.figures import Figure

DATA, SPACE, BLANKED = "football", "matches", 0.2
NOT_FIELDS = ("id", "split", "shootout_winner")  # names, the protocol's own, and what nearly every match lacks


def measure() -> Iterator[Figure]:
    """Both commands, by the clock, from their start to their end; nothing where the data is not there."""
    if not (DEFAULT_FOLDER / DATA).is_dir():
        return
    records = Dataset(DEFAULT_FOLDER / DATA).episodes(*NOT_FIELDS)
    columns = list(dict.fromkeys(name for record in records for name in record))
    cells = np.array([[str(record.get(name, "")) for name in columns] for record in records])
    with tempfile.TemporaryDirectory(prefix="recollect-bench-") as folder:
        whole, gaps = Path(folder) / "whole.csv", Path(folder) / "gaps.csv"
        _write(whole, columns, cells)
        _write(gaps, columns, np.where(np.random.default_rng(7).random(cells.shape) < BLANKED, "", cells))
        with running(workers=2) as service:
            took_s = _run("import", whole, "--space", SPACE, "--create", "--url", str(service.client.base_url))
        rate = len(records) / took_s
        yield Figure(
            "import of a file",
            "football, from the command line",
            rate,
            "rows/s",
            len(records),
            must=50_000,
            is_rate=True,
        )
        rate = len(records) / _run("fill", gaps)
        case = "football, a fifth of the cells blank, from the command line"
        yield Figure("fill of a file", case, rate, "rows/s", len(records), must=2_000, is_rate=True)


def _write(file: Path, columns: list[str], cells: np.ndarray[tuple[int, ...], np.dtype[np.str_]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as content:
        csv.writer(content).writerows([columns, *cells.tolist()])


def _run(*arguments: str | Path) -> float:
    """How many seconds the command takes."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "recollect", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
