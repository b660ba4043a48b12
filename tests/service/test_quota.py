"""How often a key may call, at the boundaries of its bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from recollect.errors import RateLimited
from recollect.service import quota
from recollect.service.quota import Quota
from recollect.settings import Settings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(quota.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("clock")
def test_the_whole_burst_can_be_taken_and_not_one_more(tmp_path: Path) -> None:
    bucket = Quota(Settings(data=tmp_path, rate_per_s=2.0, rate_burst=5, workers=1))
    assert [bucket.take("key") for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        bucket.take("key")
    assert refused.value.headers == {"Retry-After": "1"}
    assert bucket.take("another key") == 4


def test_a_bucket_fills_with_time_and_never_above_the_burst(tmp_path: Path, clock: list[float]) -> None:
    bucket = Quota(Settings(data=tmp_path, rate_per_s=2.0, rate_burst=5, workers=1))
    assert bucket.take("key", cost=5) == 0
    clock[0] += 1.0
    assert bucket.take("key", cost=2) == 0
    clock[0] += 3600.0
    assert bucket.take("key") == 4
