"""API keys: 256 random bits, shown once, stored as their SHA-256 digest.

A key's text is `rk_` and 43 characters of base64url. A fast hash is right here: there
is nothing to guess in 256 random bits. Who may do what with a key is decided in
`recollect.service.access`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import replace

from recollect.errors import InvalidRequest, NotFound
from recollect.model import Action, Key
from recollect.store import Store
from recollect.times import epoch_seconds, rfc3339

PREFIX = "rk_"
_SECRET_BYTES = 32
_TEXT = re.compile(r"rk_[A-Za-z0-9_-]{43}")
_LABEL_LENGTH = 128


def digest(secret: str) -> bytes:
    """What the store knows of a key."""
    return hashlib.sha256(secret.encode()).digest()


def is_well_formed(secret: str) -> bool:
    """Whether the text can be a key at all."""
    return _TEXT.fullmatch(secret) is not None


def draw(
    actions: Collection[Action],
    spaces: Collection[str] | None,
    label: str = "",
    expires_at: str | None = None,
    *,
    now_s: float,
) -> tuple[str, Key]:
    """A new key: its text, to be shown once, and what is stored of it. `spaces` None means every space."""
    if not actions:
        raise InvalidRequest("A key needs at least one action: read, write or admin.", code="KEY_WITHOUT_ACTIONS")
    if spaces is not None and not spaces:
        raise InvalidRequest("A key needs at least one space, or all of them.", code="KEY_WITHOUT_SPACES")
    if len(label) > _LABEL_LENGTH:
        raise InvalidRequest(f"A key's label has at most {_LABEL_LENGTH} characters.", code="KEY_LABEL_TOO_LONG")
    if expires_at is not None:
        try:
            epoch_seconds(expires_at)
        except ValueError as error:
            raise InvalidRequest(f"A key's expiry: {error}.", code="KEY_EXPIRY_MALFORMED") from None
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    key = Key(
        key_id="key_" + secrets.token_hex(8),
        digest=digest(secret),
        actions=frozenset(actions),
        spaces=None if spaces is None else tuple(sorted(set(spaces))),
        label=label,
        created_at=rfc3339(now_s),
        expires_at=expires_at,
    )
    return secret, key


async def issue(
    store: Store,
    actions: Collection[Action],
    spaces: Collection[str] | None,
    label: str = "",
    expires_at: str | None = None,
) -> tuple[str, Key]:
    """Draw a key and store it; it holds on every worker once this returns."""
    secret, key = draw(actions, spaces, label, expires_at, now_s=time.time())
    await store.put_key(key)
    return secret, key


async def revoke(store: Store, key_id: str) -> Key:
    """End a key, at once and on every worker; raises NotFound for an unknown one. Revoking twice changes nothing."""
    for key in store.list_keys():
        if key.key_id == key_id:
            if key.revoked_at is not None:
                return key
            revoked = replace(key, revoked_at=rfc3339(time.time()))
            await store.put_key(revoked)
            return revoked
    raise NotFound("There is no key with this id.", code="KEY_NOT_FOUND")
