"""The service's metrics, each declared once; docs/metrics.md says what each is for.

Labels take words of ours only: operations, statuses, codes, reasons, sources. A space's name is a
label where the operator has named it (`RECOLLECT_METRICS_SPACES`), so their number is bounded.

What happens is noted in a list for each metric at its labels, which takes a fraction of a microsecond, and entered a
few times a second (`enter`), when many are told, and before they are read: an entry writes to the shared files.
"""

from __future__ import annotations

import shutil
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from math import fsum
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

from recollect import __version__, counts
from recollect.settings import metrics_folder, publish_metrics_folder

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LONG_SECONDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
SWEEPS = (1, 2, 3, 5, 8, 12, 20, 30, 50)
COUNTS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
MOST_NOTED = 4096  # of one metric at its labels: a process that nobody reads keeps no more
TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

_HELP: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("Requests answered.", ("operation", "status", "transport")),
    "problems": ("Problems answered, by code.", ("code",)),
    "space_requests": ("Requests to the spaces that the operator named.", ("space", "status")),
    "turns": ("Turns at a memory space: one request each, or one item of a batch.", ("class",)),
    "work_seconds": ("Processor time spent in turns.", ("class",)),
    "turn_refusals": ("Requests refused their turn at a memory space.", ("class", "code")),
    "memory_lookups": (
        "States in which a turn found its space in RAM: current, behind, snapshot or cold.",
        ("result",),
    ),
    "completions": ("Completions: answered, partial (fields left out), refused, not_converged.", ("outcome",)),
    "completed_fields": ("Fields of explained completions, by source.", ("source",)),
    "abstentions": ("Fields left out and refusals, by the reason that decided.", ("reason",)),
    "jobs": ("Consolidations, evaluations, audits and snapshots that ended.", ("kind", "outcome")),
    "upkeep_failures": ("Rounds of upkeep that failed.", ("task",)),
}
_HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "request_duration_seconds": (
        "Time from the request's last header to its last byte out.",
        ("operation", "transport"),
        SECONDS,
    ),
    "stage_duration_seconds": ("Time by stage: parse, route, engine, serialize.", ("stage",), SECONDS),
    "queue_seconds": ("Time a request waited for its turn at a memory space.", ("class",), SECONDS),
    "journal_lag_entries": ("Journal entries a space in RAM was behind when its turn began.", (), COUNTS),
    "completion_sweeps": ("Sweeps of the dynamics, where they were asked for.", (), SWEEPS),
    "completion_candidates": ("Episodes that competed in a completion.", (), COUNTS),
    "completion_confidence": ("Confidence of completions that were answered.", (), TENTHS),
    "feedback_confidence": ("Confidences that verdicts were given on.", ("verdict",), TENTHS),
    "store_seconds": ("Time of the store's calls, the wait for the flush included.", ("call",), SECONDS),
    "job_seconds": ("Duration of jobs that ended.", ("kind",), LONG_SECONDS),
}
_GAUGES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "requests_in_flight": ("Requests being handled now.", ("transport",), "livesum"),
    "workers_ready": ("Workers that answer.", (), "livesum"),
    "spaces_loaded": ("Memory spaces in RAM, summed over workers.", (), "livesum"),
    "episodes_loaded": ("Episodes in RAM, summed over workers.", (), "livesum"),
    "cells_loaded": ("Values in RAM (episodes times fields), summed over workers.", (), "livesum"),
    "memory_bytes": ("Memory of the workers by part: anonymous, file, shared.", ("part",), "livesum"),
    "jobs_running": ("Jobs under way.", ("kind",), "livesum"),
    "store_writable": ("1 where the store takes writes.", (), "livemin"),
    "store_bytes": ("Size of the store's files.", (), "livemax"),
    "data_free_bytes": ("Room left on the data folder's disk.", (), "livemin"),
    "data_size_bytes": ("Size of the data folder's disk.", (), "livemax"),
    "build_info": ("1, with the version that runs.", ("version",), "livemax"),
}

_Labelled = tuple[str, tuple[str, ...]]  # a metric's name and the values of its labels


def share_metrics(folder: Path) -> None:
    """Let all workers of this master keep their metrics in `folder`, emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    publish_metrics_folder(folder)


class Metrics:
    """The service's metrics. Made once per process, in the worker."""

    def __init__(self) -> None:
        # Imported here: at import the library decides, from the shared folder, whether it is one of several workers.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        folder = metrics_folder()
        if folder is not None:
            counts.use(folder)
        self._registry = CollectorRegistry()
        self._children: dict[_Labelled, Any] = {}
        self._noted: dict[_Labelled, list[float]] = {}
        self._followed: dict[_Labelled, Callable[[], float]] = {}
        self._entering = Lock()
        self.spaces: frozenset[str] = frozenset()  # those that the operator wants told apart
        made: dict[str, Any] = {}
        for name, (says, labels) in _HELP.items():
            made[name] = Counter(f"recollect_{name}", says, labels, registry=self._registry)
        for name, (says, labels, buckets) in _HISTOGRAMS.items():
            made[name] = Histogram(f"recollect_{name}", says, labels, buckets=buckets, registry=self._registry)
        for name, (says, labels, mode) in _GAUGES.items():
            made[name] = Gauge(
                f"recollect_{name}",
                says,
                labels,
                registry=self._registry,
                multiprocess_mode=mode,  # type: ignore[arg-type]
            )
        self._made = made

    @staticmethod
    def names() -> tuple[str, ...]:
        """Every metric as Prometheus has it."""
        counters = (f"recollect_{name}_total" for name in _HELP)
        return (*counters, *(f"recollect_{name}" for name in (*_HISTOGRAMS, *_GAUGES)))

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to a counter."""
        self._note((name, labels), by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Note a value of a histogram."""
        self._note((name, labels), value)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge, at once."""
        self._child((name, labels)).set(value)

    def follow(self, name: str, read: Callable[[], float], *labels: str) -> None:
        """Let a gauge have what `read` tells whenever metrics are entered."""
        self._followed[name, labels] = read

    @contextmanager
    def timed(self, name: str, *labels: str) -> Iterator[None]:
        """Enter the time of the block into a histogram, also where it fails."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.observe(name, perf_counter() - begun, *labels)

    def observe_request(
        self,
        operation: str,
        status: int | str,
        duration_s: float,
        *,
        stages_s: Mapping[str, float] | None = None,
        code: str | None = None,
        transport: str = "http",
        space_id: str = "",
    ) -> None:
        """Count one answered request; `code` is the problem's, if it was one."""
        self.count("requests", operation, str(status), transport)
        self.observe("request_duration_seconds", duration_s, operation, transport)
        for stage, spent_s in (stages_s or {}).items():
            self.observe("stage_duration_seconds", spent_s, stage)
        if code is not None:
            self.count("problems", code)
        if space_id in self.spaces:
            self.count("space_requests", space_id, str(status))

    def enter(self) -> None:
        """Enter what was noted, and what gauges follow."""
        for labelled, read in tuple(self._followed.items()):
            self._child(labelled).set(read())
        for labelled, noted in tuple(self._noted.items()):
            if noted:
                self._enter(labelled, noted)

    def describe_build(self) -> None:
        """Tell which version runs and that this worker answers."""
        self.set("build_info", 1, __version__)
        self.set("workers_ready", 1)

    def _note(self, labelled: _Labelled, value: float) -> None:
        noted = self._noted.get(labelled)
        if noted is None:
            noted = self._noted.setdefault(labelled, [])  # one list, also where two threads come at once
        noted.append(value)
        if len(noted) >= MOST_NOTED:
            self._enter(labelled, noted)

    def _enter(self, labelled: _Labelled, noted: list[float]) -> None:
        """Add what was noted to the counter or histogram; what is noted meanwhile stays for the next time."""
        with self._entering:
            values = noted[:]
            del noted[: len(values)]
            child, histogram = self._child(labelled), _HISTOGRAMS.get(labelled[0])
            if histogram is None:
                child.inc(fsum(values))
                return
            # As `observe` does for each: a value counts in the first bucket whose bound it does not exceed.
            child._sum.inc(fsum(values))
            for bucket, number in Tally(bisect_left(histogram[2], value) for value in values).items():
                child._buckets[bucket].inc(number)

    def _child(self, labelled: _Labelled) -> Any:
        """The metric at these labels; remembered, because finding it costs as much as counting."""
        child = self._children.get(labelled)
        if child is None:
            name, labels = labelled
            metric = self._made[name]
            child = self._children[labelled] = metric.labels(*labels) if labels else metric
        return child

    def render(self) -> tuple[bytes, str]:
        """The exposition of all workers together, and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self.enter()
        if metrics_folder() is None:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together), CONTENT_TYPE_LATEST


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """This process's metrics."""
    return Metrics()
