"""`make evaluate`: run every protocol, or those named, and write docs/evaluation.md with its pictures.

What was measured is kept under build/evaluation/, keyed by the engine's content and by whether the
run was a fast one: a run that was stopped goes on, and only what has changed is measured anew.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bench.datasets import DEFAULT_FOLDER
from bench.evaluation import (
    ablations,
    auditing,
    capabilities,
    capacity,
    cleaning,
    coldstart,
    coverage,
    cuenoise,
    document,
    drifting,
    events,
    gate,
    inverses,
    lures,
    mixed,
    oneshot,
    people,
    pooled,
    priors,
    provenance,
    records,
    refusing,
    relations,
    removal,
    shortfalls,
    tables,
    vectors,
    ways,
    worth,
)
from bench.evaluation.cache import Cache, digest, engine_digest
from bench.evaluation.laboratory import Dynamics, laboratory
from bench.evaluation.trial import SEED, Figure, Trial

Json = dict[str, Any]
PROTOCOLS: dict[str, Callable[[Trial], None]] = {
    "mixed": mixed.mixed_cues,
    "ordinary": mixed.ordinary_tables,
    "events": events.matching_events,
    "lures": lures.lures,
    "vectors": vectors.partial_vectors,
    "persons": people.persons,
    "cells": cleaning.repaired_cells,
    "audit": auditing.audited_cells,
    "fill": auditing.filled_tables,
    "sources": provenance.planted_sources,
    "stored": records.stored_cues,
    "removed": removal.removed_fields,
    "refusals": refusing.refusals,
    "advice": refusing.advice,
    "odd": oneshot.odd_facts,
    "new": records.new_events,
    "numbers": tables.missing_numbers,
    "relations": relations.ranked_entities,
    "capabilities": capabilities.capabilities,
    "capacity": capacity.capacity,
    "ablations": ablations.ablations,
    "inverses": inverses.role_inverses,
    "gate": gate.gates,
    "cuenoise": cuenoise.learned_noise,
    "prior": priors.learned_priors,
    "drifting": drifting.drifts,
    "coldstart": coldstart.cold_starts,
    "hypotheses": coverage.hypotheses_chosen,
    "ways": ways.ways,
}
# Left out of a fast run.
SLOW = (
    "mixed",
    "ordinary",
    "capabilities",
    "capacity",
    "ablations",
    "inverses",
    "gate",
    "cuenoise",
    "prior",
    "drifting",
    "coldstart",
    "hypotheses",
    "ways",
)
# Measured last, and only what the rows that fall short need.
OF_SHORT = ("ways",)
# What else a protocol's result hangs on, beside its own module.
MADE_OF = {"ways": ("seams.py", "retrieval.py")}
# What a change that breaks nothing can never fall below, whatever the sample: the smoke of CI.
FLOORS = {
    "stored": 0.95, "noisy": 0.90, "absent": 0.90, "events": 0.95, "fragments": 0.80, "cells": 0.70, "person": 0.93,
    "person_absent": 0.80, "vector_half_mask_0.5": 0.97, "odd_fact": 0.97, "write_delete": 1.0, "advice_works": 0.95,
    "within_theta": 0.95,
}  # fmt: skip
CEILINGS = {"lure": 0.30, "lure_recalled": 0.0, "energy_rises": 0.0, "miscounted": 0.0, "calibration": 0.10}


def main() -> int:
    """Run what is named; 1 when a floor is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("protocols", nargs="*", choices=[[], *PROTOCOLS], help="default: all of them")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    parser.add_argument(
        "--tables", type=Path, help="a folder of lots of ordinary tables (docs/evaluation/protocols.md)"
    )
    parser.add_argument("--fast", action="store_true", help="small samples, no report written, floors asserted")
    parser.add_argument("--anew", action="store_true", help="measure again what the cache has")
    parser.add_argument("--no-report", action="store_true", help="leave docs/ as it is")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"There is no evaluation data at {arguments.data}; --data names another folder.", file=sys.stderr)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cache = Cache(f"{engine_digest()}{'-fast' if arguments.fast else ''}", reads=not arguments.anew)
    wanted = arguments.protocols or [name for name in PROTOCOLS if not (arguments.fast and name in SLOW)]
    results = measure(wanted, arguments.data, cache, arguments.tables, is_fast=arguments.fast)
    failures = [f"{name}: {found['failure']}" for name, found in results.items() if "failure" in found]
    results = {name: found for name, found in results.items() if "failure" not in found}
    figures = collect(results)
    print(document.table(figures, plain=True))
    if arguments.protocols:  # who asks for some wants to see all that they tell
        found = [
            line for name, table in shortfalls.tables(results).items() for line in shortfalls.ways_table(name, table)
        ]
        print("\n".join(["", *worth.measured_parts(results), *found]))
    if not arguments.fast and not arguments.no_report:
        document.write(results, figures)
    for line in shortfalls.complaints(figures, shortfalls.tables(results)) if not arguments.fast else []:
        print(f"docs: {line}")
    seconds = ", ".join(f"{name} {found['cpu_seconds']:.0f}" for name, found in results.items())
    print(f"CPU seconds when measured: {seconds}")
    broken = [f"beyond its bound: {line}" for line in _broken(figures)] if arguments.fast else []
    for line in broken + [f"failed: {line}" for line in failures]:
        print(line)
    return int(bool(broken or failures))


def measure(
    wanted: list[str], folder: Path, cache: Cache, tables: Path | None = None, *, is_fast: bool
) -> dict[str, Json]:
    """The result of every protocol, from the cache where it is there; one that fails does not end the rest."""
    results: dict[str, Json] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description:<28}"), BarColumn(20), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console) as progress, laboratory(cache) as service:
        task = progress.add_task("", total=len(wanted))
        for name in wanted:
            short = _short(results) if name in OF_SHORT else None
            own = f"{PROTOCOLS[name].__module__.rpartition('.')[2]}.py"
            modules = [Path(__file__).parent / file for file in (own, *MADE_OF.get(name, ()))]
            stamp = digest(modules, SEED, *sorted(short or ()), *([str(tables)] if name == "ordinary" else []))
            found = cache.read(name, stamp)
            if found is None:
                service.dynamics = Dynamics()
                trial = Trial(
                    service, folder, is_fast, partial(_show, progress, task, name), short=short, tables=tables
                )
                try:
                    found = _run(name, trial)
                except Exception as fault:  # noqa: BLE001 the rest is still worth knowing
                    console.print_exception()
                    results[name] = {"failure": f"{type(fault).__name__}: {fault}"}
                    continue
                cache.write(name, stamp, found)
            results[name] = found
            progress.advance(task)
    return results


def _short(results: dict[str, Json]) -> frozenset[str] | None:
    """The rows that fall short so far; None where none was measured, as when `ways` is run alone."""
    measured = collect({name: found for name, found in results.items() if "failure" not in found})
    return frozenset(f"{f.row} {shortfalls.data_set(f)}" for f in shortfalls.short_of(measured)) if measured else None


def _show(progress: Progress, task: TaskID, name: str, what: str) -> None:
    progress.update(task, description=f"{name}: {what}")


def _run(name: str, trial: Trial) -> Json:
    started, cpu = time.perf_counter(), time.process_time()
    PROTOCOLS[name](trial)
    return {
        "figures": [asdict(figure) for figure in trial.figures],
        "outcomes": trial.outcomes,
        "raw": trial.raw,
        "dynamics": trial.laboratory.dynamics.as_json(),
        "engine": engine_digest(),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
    }


def collect(results: dict[str, Json]) -> list[Figure]:
    """All figures, the pooled ones last."""
    figures = [Figure(**figure) for result in results.values() for figure in result["figures"]]
    outcomes = [outcome for result in results.values() for outcome in result["outcomes"]]
    if outcomes:
        figures += pooled.figures(pooled.Pool(outcomes), pooled.Pool(outcomes, most=len(outcomes)))
    return figures + pooled.dynamics_figures([result["dynamics"] for result in results.values()])


def _broken(figures: list[Figure]) -> list[str]:
    return [
        f"{f.row}, {f.data}, {f.what}: {f.reached:.3f}"
        for f in figures
        if f.reached < FLOORS.get(f.row, float("-inf")) or f.reached > CEILINGS.get(f.row, float("inf"))
    ]


if __name__ == "__main__":
    sys.exit(main())
