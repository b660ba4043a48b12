"""How an Idempotency-Key becomes the store's replay protection."""

from __future__ import annotations

import hashlib
from typing import Any

from engine import canonical
from recollect.model import Fields, Scope, Space
from recollect.store import Idempotency


def idempotency(scope: Scope, space: Space, operation: str, key: str | None, *content: bytes) -> Idempotency | None:
    """Scope = key + space (none other of its name) + operation + the caller's key; the digest is over the content.

    Content tells fields by `canonical_fields`: a request that writes the same values in another way is the same.
    """
    if key is None:
        return None
    digest = hashlib.sha256()
    for part in content:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return Idempotency("\n".join((scope.key_id, str(space.uid), operation, key)), digest.digest())


def canonical_fields(fields: Fields) -> dict[str, Any]:
    """Every value in its one spelling; what is no value is left for whoever refuses it."""
    return {name: canonical(value) for name, value in fields.items()}
