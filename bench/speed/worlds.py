"""Episodes to measure with: ten fields as records have them, and vectors in clusters. Seeded, so equal everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from recollect.model import FieldValue

FIELDS = ("id", "person", "city", "product", "date", "amount", "channel", "status", "team", "reason")
PEOPLE, CITIES, PRODUCTS, TEAMS, REASONS, DAYS = 5_000, 300, 2_000, 40, 120, 1_500
CHANNELS = ("shop", "phone", "web", "partner", "fair")
STATUSES = ("paid", "open", "returned")
BEGIN = datetime(2021, 1, 1, tzinfo=UTC)
DIMENSIONS = 768


def records(count: int, seed: int = 1) -> Iterator[dict[str, FieldValue]]:
    """Orders: a person lives in one city and buys much the same; city tells the team; some fields are lacking."""
    rng = np.random.default_rng(seed)
    home = rng.integers(CITIES, size=PEOPLE)
    taste = rng.integers(PRODUCTS, size=(PEOPLE, 4))
    price = np.round(rng.lognormal(3.0, 1.0, PRODUCTS), 2)
    of_product = rng.integers(REASONS, size=PRODUCTS)
    person = np.minimum((rng.pareto(1.2, count) * 40).astype(np.int64), PEOPLE - 1)
    product = np.where(
        rng.random(count) < 0.7, taste[person, rng.integers(4, size=count)], rng.integers(PRODUCTS, size=count)
    )
    city = np.where(rng.random(count) < 0.9, home[person], rng.integers(CITIES, size=count))
    amounts = np.round(price[product] * rng.integers(1, 5, count), 2).tolist()
    days, channels = (
        rng.integers(DAYS, size=count).tolist(),
        (person % 5 * (rng.random(count) < 0.8)).astype(int).tolist(),
    )
    statuses, lacking = rng.choice(3, size=count, p=(0.8, 0.15, 0.05)).tolist(), rng.random(count).tolist()
    serial = rng.permutation(count).tolist()
    for k, (who, what, where) in enumerate(zip(person.tolist(), product.tolist(), city.tolist(), strict=True)):
        record: dict[str, FieldValue] = {
            "id": f"ord-{serial[k]:07d}",
            "person": f"person {who:04d}",
            "city": f"city {where:03d}",
            "product": f"product {what:04d}",
            "date": (BEGIN + timedelta(days=days[k])).strftime("%Y-%m-%d"),
            "amount": amounts[k],
            "channel": CHANNELS[channels[k]],
            "status": STATUSES[statuses[k]],
            "team": f"team {where % TEAMS:02d}",
            "reason": f"reason {int(of_product[what]):03d}",
        }
        if lacking[k] < 0.1:
            del record["reason"]
        yield record


def vectors(count: int, seed: int = 2) -> np.ndarray[Any, np.dtype[np.float32]]:
    """float32[count, DIMENSIONS] around a thousand centres, along few axes as embeddings lie."""
    rng = np.random.default_rng(seed)
    axes = rng.standard_normal((64, DIMENSIONS), dtype=np.float32)
    centres = rng.standard_normal((1000, 64), dtype=np.float32)
    places = centres[rng.integers(1000, size=count)] + 0.3 * rng.standard_normal((count, 64), dtype=np.float32)
    return places @ axes / 8 + 0.1 * rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
