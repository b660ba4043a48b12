"""Tables filled: rows a second, beside single completions one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

import engine
from bench.speed.figures import Figure
from bench.speed.worlds import records
from recollect.memory.table import as_traces
from recollect.model import FillRequest
from recollect.service.filling import blank_cells
from recollect.service.standalone import fill_alone

BLANKED, SINGLE, WORKERS = 0.2, 60, 2
TARGET = "product"


def measure(size: int) -> Iterator[Figure]:
    """A table of this many rows, a fifth of one column blank, filled from itself."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = [
        {name: value for name, value in row.items() if name != TARGET or rng.random() >= BLANKED}
        for row in records(size)
    ]
    request = FillRequest(rows, (TARGET,))
    blanks = blank_cells(request)
    traces = as_traces(rows)
    schema, options = engine.attach(traces), engine.Options((TARGET,), pattern_weight=1.0)
    begun = time.perf_counter()
    for row, _ in islice(blanks, SINGLE):
        engine.complete(traces, engine.CueInput(rows[row]), options, schema)
    single = SINGLE / (time.perf_counter() - begun)
    begun = time.perf_counter()
    fill_alone(request, blanks, workers=WORKERS)
    rate = len(blanks) / (time.perf_counter() - begun)
    yield Figure(
        "fill",
        f"1 target, {WORKERS} processes, by the clock, making ready included",
        rate,
        "rows/s",
        size,
        single,
        "single completions",
        must=5,
        aim=20,
        of_ratio=True,
        is_rate=True,
    )
