"""How often a key may call: one token bucket per key and worker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from recollect.errors import RateLimited
from recollect.settings import Settings

_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at_s: float


class Quota:
    """Token buckets. Workers share nothing: each grants its part of the rate and of the burst."""

    def __init__(self, settings: Settings) -> None:
        self.rate_per_s = settings.rate_per_s / settings.workers
        self.burst = max(1, math.ceil(settings.rate_burst / settings.workers))
        self._buckets: dict[str, _Bucket] = {}

    @property
    def is_limited(self) -> bool:
        """Whether a rate is set at all."""
        return self.rate_per_s > 0

    @property
    def window_s(self) -> int:
        """Seconds in which an empty bucket fills up."""
        return max(1, math.ceil(self.burst / self.rate_per_s))

    def take(self, key_id: str, cost: int = 1) -> int:
        """Take `cost` tokens of the key's; returns the whole tokens left, raises RateLimited when short."""
        now_s = time.monotonic()
        bucket = self._buckets.get(key_id)
        if bucket is None:
            if len(self._buckets) >= _BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[key_id] = _Bucket(self.burst, now_s)
        bucket.tokens = min(self.burst, bucket.tokens + (now_s - bucket.filled_at_s) * self.rate_per_s)
        bucket.filled_at_s = now_s
        if bucket.tokens < cost:
            raise self._refusal(bucket, cost)
        bucket.tokens -= cost
        return int(bucket.tokens)

    def _refusal(self, bucket: _Bucket, cost: int) -> RateLimited:
        wait_s = max(1, math.ceil((cost - bucket.tokens) / self.rate_per_s))
        return RateLimited(
            f"The key has used up its {self.rate_per_s:g} requests per second; retry in {wait_s} s.",
            context={"rate_per_s": self.rate_per_s, "burst": self.burst, "retry_after_s": wait_s},
            headers={"Retry-After": str(wait_s)},
        )
