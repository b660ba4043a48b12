"""Workers share their counts by files that no full disk can turn into a fault."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from recollect.counts import RESERVED_BYTES, CountFile


def read(path: Path) -> dict[str, float]:
    """What the library reads of a file."""
    return {key.strip(): value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}


def test_the_library_reads_what_was_written_and_a_successor_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "counter_0.db"
    first = CountFile(str(path))
    for n in range(3000):  # more than one reservation holds
        assert first.read_value(f"key{n}") == (0.0, 0.0)
        first.write_value(f"key{n}", float(n), 1.0)
    first.write_value("key7", 70.0, 2.0)
    first.close()
    expected = {f"key{n}": float(n) for n in range(3000)} | {"key7": 70.0}
    assert read(path) == expected
    second = CountFile(str(path))
    assert second.read_value("key7") == (70.0, 2.0)
    second.write_value("new", 1.0, 0.0)
    second.close()
    assert read(path) == expected | {"new": 1.0}
    assert path.stat().st_size % RESERVED_BYTES == 0


def test_what_was_under_way_in_a_worker_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "gauge_livesum_0.db"
    first = CountFile(str(path))
    first.write_value("in flight", 5.0, 0.0)
    first.close()
    CountFile(str(path)).close()
    assert read(path) == {}


def test_where_no_file_can_be_made_counting_goes_on_alone(tmp_path: Path) -> None:
    alone = CountFile(str(tmp_path / "missing" / "counter_0.db"))
    alone.write_value("key", 3.0, 0.0)
    assert alone.read_value("key") == (3.0, 0.0)
    alone.close()


def test_where_no_room_can_be_reserved_counting_goes_on_alone(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "counter_0.db"
    counts = CountFile(str(path))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVED_BYTES, before[1]))
        for n in range(3000):
            counts.write_value(f"key{n}", 1.0, 0.0)
        assert counts.read_value("key2999") == (1.0, 0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        counts.close()
    told = read(path)
    assert 0 < len(told) < 3000
    assert set(told.values()) == {1.0}


@pytest.mark.parametrize("ends", ["at once", "by a kill"])
def test_a_place_is_taken_over_when_its_worker_ends(ends: str, tmp_path: Path) -> None:
    program = (
        "import os, sys, time, pathlib\n"
        "from recollect import telemetry\n"
        "metrics = telemetry.metrics()\n"
        "metrics.set('requests_in_flight', 1, 'http')\n"
        "metrics.observe_request('complete', 200, 0.01)\n"
        "print(metrics.render()[0].decode() + 'end', flush=True)\n"
        "time.sleep(600 if sys.argv[1] == 'by a kill' else 0)\n"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for workers in (1, 2, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", program, ends], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = []
        while not told or not told[-1].startswith("end"):
            told.append(process.stdout.readline())
            assert told[-1] or process.poll() is None
        process.kill()
        process.wait()
        process.stdout.close()
        counted = [line for line in told if 'status="200"' in line]
        assert {float(line.rpartition(" ")[2]) for line in counted} == {workers}
        (under_way,) = [line for line in told if line.startswith("recollect_requests_in_flight{")]
        assert under_way.strip().endswith(" 1.0"), "only what is alive is under way"
    assert len(list(tmp_path.glob("counter_*.db"))) == 1
