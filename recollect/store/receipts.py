"""How the receipt of an idempotent commit is kept: numbers and times, never content."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.errors import Conflict
from recollect.store import Idempotency, Receipt
from recollect.store.checksums import verify

RECEIPT_LIFE_S = 24 * 3600.0


def outcome_of(receipt: Receipt) -> bytes:
    """What is kept of a receipt beside its note."""
    return orjson.dumps([receipt.revisions, receipt.created, receipt.revision, receipt.created_at, receipt.updated_at])


def receipt_from(row: tuple[Any, ...], idempotency: Idempotency) -> Receipt:
    """The receipt from its row with the checksum; raises Conflict where the body was another one."""
    _, _, digest, outcome, note, _ = verify("receipt", row)
    if digest != idempotency.digest:
        raise Conflict(
            "This Idempotency-Key was used within the last 24 hours with another body.", code="IDEMPOTENCY_KEY_REUSED"
        )
    revisions, created, revision, created_at, updated_at = orjson.loads(outcome)
    return Receipt(
        revisions=tuple(revisions),
        created=tuple(created),
        revision=revision,
        replayed=True,
        note=note,
        created_at=tuple(created_at),
        updated_at=updated_at,
    )
