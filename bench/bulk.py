"""What docs/scaling.md tells of tables filled in bulk: rows per second of a core, without Spark and on it.

`make test-bulk` lays Spark out. Then this prints the table:

    SPARK_LOCAL_IP=127.0.0.1 PYTHONPATH=build/spark python -m bench.bulk

Seconds are of the processor, of all processes together: what Spark and Java take for themselves is in them, what others
take is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recollect.service.bulk import Order, fill_batches
from tests.cli.test_bulk import make_space, recollect
from tests.engine.worlds import random_records
from tests.service.test_filling import with_blanks

EPISODES, ROWS, FILES, SEED = 10_000, 20_000, 8, 7


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data, table, frozen = (Path(folder) / name for name in ("data", "table", "space.frozen"))
        records = random_records(SEED, EPISODES + ROWS)
        rows = with_blanks(records[EPISODES:], SEED)
        make_space(data, records[:EPISODES], [])
        assert recollect("freeze", "diary", str(frozen), "--data", str(data)).returncode == 0
        write(table, sorted(records[0]), rows)
        blanks = sum(len(records[0]) - len(row) for row in rows)
        print(
            f"{EPISODES:,} episodes, {ROWS:,} rows with {blanks:,} blanks, {frozen.stat().st_size / 1e6:.1f} MB frozen"
        )
        told("no Spark, one process", lambda: alone(table, frozen, tuple(sorted(records[0]))))
        for master in ("local[1]", "local-cluster[2,1,1024]"):
            told(master, lambda master=master: on_spark(table, Path(folder) / master, frozen, master))


def write(table: Path, names: list[str], rows: list[Any]) -> None:
    table.mkdir()
    for part in range(FILES):
        own = rows[part::FILES]
        columns = {name: pa.array([row.get(name) for row in own], pa.string()) for name in names}
        pq.write_table(pa.table(columns), table / f"{part}.parquet")


def told(name: str, work: Callable[[], tuple[float, float]]) -> None:
    """`work` gives the seconds that it took by the clock, and of cores."""
    seconds, spent = work()
    print(
        f"{name}: {seconds:.1f} s by the clock, {spent:.1f} s of cores: {ROWS / spent:,.0f} rows per second of a core"
    )


def alone(table: Path, frozen: Path, names: tuple[str, ...]) -> tuple[float, float]:
    begun, before = time.perf_counter(), time.process_time()
    batches = (batch for file in sorted(table.iterdir()) for batch in pq.ParquetFile(file).iter_batches(10_000))
    for _ in fill_batches(batches, frozen, Order(names, time.time())):
        pass
    return time.perf_counter() - begun, time.process_time() - before


def on_spark(table: Path, to: Path, frozen: Path, master: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "recollect", "bulk", str(table), str(to), "--frozen", str(frozen)]
    running = subprocess.Popen(
        [*command, "--master", master, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    spent: dict[int, float] = {}
    while running.poll() is None:
        spent |= cores_s(running.pid)
        time.sleep(0.2)
    assert running.returncode == 0
    assert running.stdout is not None
    return float(json.loads(running.stdout.read())["seconds"]), sum(spent.values())


def cores_s(session: int) -> dict[int, float]:
    """What each process of a session has taken until now."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(told[3]) == session:
                found[int(entry.name)] = (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return found


if __name__ == "__main__":
    main()
