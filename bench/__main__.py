"""`python -m bench quality | latency | expressions | speed | ...`: measure the service and write it into docs/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.progress import Progress

from bench import expressions, latency, quality, report
from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.service import Service, running
from bench.speed import run as speed

PROTOCOLS = {
    "football": quality.stored_and_absent,
    "bird_strikes": quality.stored_and_absent,
    "epbench_default200": quality.matching_events,
    "digits_assoc": quality.partial_vectors,
}


def main() -> int:
    """Run what is named; 1 when a figure falls short."""
    if sys.argv[1:2] and sys.argv[1] in {"speed", "speed-check", "profile", "compare"}:
        return speed.main(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what", nargs="*", choices=["quality", "latency", "expressions", []], help="default: the first two"
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    arguments = parser.parse_args()
    if arguments.what == ["expressions"]:
        print(expressions.table())
        return 0
    if not arguments.data.is_dir():
        print(f"There is no evaluation data at {arguments.data}; --data names another folder.", file=sys.stderr)
        return 2
    wanted = arguments.what or ["quality", "latency"]
    with running() as service:
        fell_short = measure_quality(service, arguments.data) if "quality" in wanted else False
        if "latency" in wanted:
            measure_latency(service, arguments.data, is_loaded="quality" in wanted)
    return int(fell_short)


def measure_quality(service: Service, folder: Path) -> bool:
    """Every protocol on its data set; whether any figure falls short."""
    figures = []
    with Progress() as progress:
        task = progress.add_task("quality", total=len(PROTOCOLS))
        for name, protocol in PROTOCOLS.items():
            progress.update(task, description=name)
            data = Dataset(folder / name)
            quality.load(service, data)
            figures += protocol(service, data)
            progress.advance(task)
    table = report.quality_table(figures)
    print(table)
    report.replace_section("quality.md", "stored", f"{report.origin('make bench-quality ARGS=quality')}\n\n{table}")
    return any(not figure.holds for figure in figures)


def measure_latency(service: Service, folder: Path, *, is_loaded: bool) -> None:
    """The minimal completion on the largest set."""
    data = Dataset(folder / "football")
    if not is_loaded:
        quality.load(service, data)
    records = data.episodes("id", "split")
    teams = [record["home_team"] for record in records[:: len(records) // latency.REQUESTS]]
    targets = sorted({name for record in records for name in record} - {"home_team"})
    found = latency.minimal_completions(service, data.name, "home_team", teams)
    scan = latency.dense_scan(records, "home_team", teams, targets)
    lines = [
        "| minimal completion, 49,520 episodes, 9 fields to complete | ms |",
        "|---|---|",
        f"| p50 over the socket | {found['p50_ms']:.2f} |",
        f"| p99 over the socket | {found['p99_ms']:.2f} |",
        f"| p50 of its engine part | {found['engine_p50_ms']:.2f} |",
        f"| p50 of the plainest scan of the same columns (compare one, count nine), in process | {scan:.2f} |",
    ]
    print("\n".join(lines))
    report.replace_section(
        "quality.md", "latency", f"{report.origin('make bench-quality ARGS=latency')}\n\n" + "\n".join(lines)
    )


if __name__ == "__main__":
    sys.exit(main())
