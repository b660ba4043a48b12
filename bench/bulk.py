"""What docs/scaling.md tells of tables filled in bulk: rows per second of a core, without Spark and on it.

`make test-bulk` lays Spark out. Then this prints the table:

    SPARK_LOCAL_IP=127.0.0.1 PYTHONPATH=build/spark python -m bench.bulk

Seconds are of the processor, of all processes together: what Spark and Java take for themselves is in them, what others
take is not.
"""

from __future__ import annotations

import json
import resource
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
        for master in ("local[1]", "local[2]", "local-cluster[2,1,1024]"):
            told(master, lambda master=master: on_spark(table, Path(folder) / master, frozen, master))


def write(table: Path, names: list[str], rows: list[Any]) -> None:
    table.mkdir()
    for part in range(FILES):
        own = rows[part::FILES]
        columns = {name: pa.array([row.get(name) for row in own], pa.string()) for name in names}
        pq.write_table(pa.table(columns), table / f"{part}.parquet")


def told(name: str, work: Callable[[], float]) -> None:
    """`work` gives the seconds that it took by the clock."""
    before = cpu_s()
    seconds = work()
    spent = cpu_s() - before
    print(
        f"{name}: {seconds:.1f} s by the clock, {spent:.1f} s of cores: {ROWS / spent:,.0f} rows per second of a core"
    )


def cpu_s() -> float:
    """What this process and those that it waited for have taken."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def alone(table: Path, frozen: Path, names: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    batches = (batch for file in sorted(table.iterdir()) for batch in pq.ParquetFile(file).iter_batches(10_000))
    for _ in fill_batches(batches, frozen, Order(names, time.time())):
        pass
    return time.perf_counter() - begun


def on_spark(table: Path, to: Path, frozen: Path, master: str) -> float:
    done = recollect("bulk", str(table), str(to), "--frozen", str(frozen), "--master", master, "--json")
    if done.returncode:
        sys.exit(done.stderr)
    return float(json.loads(done.stdout)["seconds"])


if __name__ == "__main__":
    main()
