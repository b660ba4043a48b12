"""How an Idempotency-Key becomes the store's replay protection."""

from __future__ import annotations

import hashlib

from recollect.model import Scope
from recollect.store import Idempotency


def idempotency(scope: Scope, operation: str, key: str | None, *content: bytes) -> Idempotency | None:
    """Scope = key + space + operation + the caller's key; the digest is over the content, so both edges agree."""
    if key is None:
        return None
    digest = hashlib.sha256()
    for part in content:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return Idempotency("\n".join((scope.key_id, scope.space_id, operation, key)), digest.digest())
