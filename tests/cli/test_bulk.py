"""`freeze` and `bulk` on Spark itself: `make test-bulk` brings it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recollect import service
from recollect.model import FillRequest, Scope, SpaceDraft
from recollect.service.runtime import open_runtime
from recollect.settings import Settings
from tests.engine.worlds import random_records
from tests.service.test_filling import with_blanks

pytest.importorskip("pyspark", reason="`make test-bulk` brings Spark")
SCOPE = Scope("diary")
EXECUTORS = "local-cluster[2,1,1024]"  # two processes of one core and 1,024 MiB each, as on two machines


def recollect(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "recollect", *arguments], capture_output=True, text=True, timeout=600, check=False
    )


def make_space(data: Path, records: list[dict[str, str]], rows: list[Any]) -> list[dict[str, Any]]:
    """A space that remembers the records; the rows as the service fills them."""
    filled = [dict(row) for row in rows]

    async def work() -> None:
        async with open_runtime(Settings(data=data)) as runtime:
            await runtime.store.put_space("diary", SpaceDraft())
            await service.import_episodes(runtime, SCOPE, [{"fields": each} for each in records])
            for cell in (await service.fill(runtime, SCOPE, FillRequest(rows))).cells:
                filled[cell.row][cell.field] = cell.value

    asyncio.run(work())
    return filled


def add_episodes(data: Path, records: list[dict[str, str]]) -> None:
    async def work() -> None:
        async with open_runtime(Settings(data=data)) as runtime:
            await service.import_episodes(runtime, SCOPE, [{"fields": each} for each in records])

    asyncio.run(work())


def test_two_executors_fill_a_table_as_the_service_does(tmp_path: Path) -> None:
    records = random_records(4, 700)
    rows = with_blanks(records[200:], 5)
    data, frozen, source, to = (tmp_path / name for name in ("data", "diary.frozen", "table", "filled [1]"))
    expected = make_space(data, records[:200], rows)
    written = recollect("freeze", "diary", str(frozen), "--data", str(data), "--json")
    assert written.returncode == 0, written.stderr
    assert json.loads(written.stdout)["revision"] == 201  # the space itself and its episodes
    add_episodes(data, random_records(9, 100))  # the frozen space stays as it was
    source.mkdir()
    names = sorted(records[0])
    for part in range(4):
        own = range(part, len(rows), 4)
        columns: dict[str, Any] = {"place": list(own)}
        columns |= {name: pa.array([rows[place].get(name) for place in own], pa.string()) for name in names}
        pq.write_table(pa.table(columns), source / f"{part}.parquet")
    common = ("bulk", str(source), str(to), "--frozen", str(frozen), "--master", EXECUTORS)
    done = recollect(*common, "--notes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["cores"]) == (len(rows), 2)
    assert told["blank"] == told["filled"] == sum(len(names) - len(row) for row in rows)
    found = sorted(pq.read_table(to).to_pylist(), key=lambda row: int(row["place"]))
    assert [{name: row[name] for name in names} for row in found] == expected
    for row, given in zip(found, rows, strict=True):
        for name in names:
            assert (row[f"{name}_confidence"] is None) == (row[f"{name}_source"] is None) == (name in given)
    again = recollect(*common)
    assert again.returncode == 1
    assert "already exists" in again.stderr
