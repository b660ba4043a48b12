"""Who calls, and what they may do: decided from the key alone, before any body is read.

Both edges use these functions. An existing and a missing space look the same to a key
that may see neither, because no function here asks the store for a space.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.errors import Forbidden, Unauthenticated
from recollect.model import Action, Key
from recollect.settings import Settings
from recollect.store import Store

ANONYMOUS = "anonymous"

# What each operation takes, on either edge; None: any key that holds.
ACTIONS: Mapping[str, Action | None] = {
    "complete": Action.READ,
    "complete_batch": Action.READ,
    "complete_stream": Action.READ,
    "fill": Action.READ,
    "probability": Action.READ,
    "recall": Action.READ,
    "create_episode": Action.WRITE,
    "import_episodes": Action.WRITE,
    "list_episodes": Action.READ,
    "get_episode": Action.READ,
    "put_episode": Action.WRITE,
    "delete_episode": Action.WRITE,
    "forget_episodes": Action.WRITE,
    "merge_episodes": Action.WRITE,
    "unmerge_episodes": Action.WRITE,
    "create_feedback": Action.WRITE,
    "consolidate": Action.WRITE,
    "get_consolidation": Action.READ,
    "evaluate_space": Action.WRITE,
    "get_evaluation": Action.READ,
    "audit_space": Action.WRITE,
    "get_audit": Action.READ,
    "list_patterns": Action.READ,
    "get_calibration": Action.READ,
    "get_threshold": Action.READ,
    "list_contradictions": Action.READ,
    "list_duplicates": Action.READ,
    "prove_forgetting": Action.READ,
    "list_spaces": Action.READ,
    "get_space": Action.READ,
    "put_space": Action.ADMIN,
    "patch_space": Action.ADMIN,
    "delete_space": Action.ADMIN,
    "get_space_stats": Action.READ,
    "get_limits": None,
    "get_version": None,
    "get_whoami": None,
}
_ALL_ACTIONS = frozenset(Action)
_CACHED_KEYS = 10_000  # unknown keys are remembered too: a flood of guesses must not grow without bound


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a key, or the anonymous admin of a service without keys."""

    key_id: str
    actions: frozenset[Action]
    spaces: tuple[str, ...] | None  # None: every space

    def may_see(self, space_id: str) -> bool:
        """Whether the key reaches this space; says nothing about whether the space exists."""
        return self.spaces is None or space_id in self.spaces


@dataclass(frozen=True, slots=True)
class _Holder:
    """A key as the cache holds it: its caller and the time it ends."""

    caller: Caller
    digest: bytes
    expires_at_s: float
    is_revoked: bool


class Access:
    """Reads keys through the store; what it remembers is void as soon as any worker commits.

    Of a store that is remote nothing is remembered but that there are keys: then any thread may ask.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._mode = settings.auth
        self._store = store
        self._version = -1
        self._holders: dict[bytes, _Holder | None] = {}
        self._has_keys = False

    def requires_key(self) -> bool:
        """Whether a call without a key is refused: always, never, or once a key was ever created."""
        if self._mode != "auto":
            return self._mode == "on"
        self._refresh()
        return self._has_keys

    def identify(self, authorization: str | None, *, is_local: bool) -> Caller:
        """The caller behind an Authorization header; raises Unauthenticated."""
        if authorization is None:
            if is_local and not self.requires_key():
                return Caller(ANONYMOUS, _ALL_ACTIONS, None)
            raise _unauthenticated("KEY_MISSING", "This operation needs a key: Authorization: Bearer <key>.")
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or not secret.isascii() or " " in secret:
            raise _unauthenticated("KEY_MALFORMED", "The Authorization header is not of the form: Bearer <key>.")
        holder = self._find(hashlib.sha256(secret.encode()).digest())
        if holder is None or holder.is_revoked or holder.expires_at_s <= time.time():
            raise _unauthenticated("KEY_INVALID", "The key is unknown, expired or revoked.")
        return holder.caller

    def _find(self, digest: bytes) -> _Holder | None:
        holder = self._read(digest) if self._store.is_remote else self._remembered(digest)
        return holder if holder is not None and hmac.compare_digest(holder.digest, digest) else None

    def _read(self, digest: bytes) -> _Holder | None:
        key = self._store.find_key(digest)
        return None if key is None else _holder(key)

    def _remembered(self, digest: bytes) -> _Holder | None:
        self._refresh()
        if digest not in self._holders:
            if len(self._holders) >= _CACHED_KEYS:
                self._holders.clear()
            self._holders[digest] = self._read(digest)
        return self._holders[digest]

    def _refresh(self) -> None:
        """Forget everything when the store has changed: a revocation counts at once on every worker."""
        version = self._store.version()
        if version != self._version:
            self._version = version
            self._holders.clear()
            self._has_keys = self._has_keys or bool(self._store.list_keys())


def authorize(caller: Caller, space_id: str | None, action: Action | None) -> None:
    """Raise Forbidden unless the key allows `action` on `space_id` (None: any action, no particular space)."""
    if action is not None and action not in caller.actions and Action.ADMIN not in caller.actions:
        allowed = sorted(caller.actions)
        raise Forbidden(
            f"The key does not allow '{action}'; it allows {', '.join(allowed) or 'nothing'}.",
            code="ACTION_FORBIDDEN",
            context={"required_action": str(action), "allowed_actions": [str(each) for each in allowed]},
        )
    if space_id is not None and not caller.may_see(space_id):
        raise Forbidden("The key does not reach this memory space.", code="SPACE_FORBIDDEN")


def _holder(key: Key) -> _Holder:
    expires_at_s = datetime.fromisoformat(key.expires_at).timestamp() if key.expires_at else float("inf")
    return _Holder(Caller(key.key_id, key.actions, key.spaces), key.digest, expires_at_s, key.revoked_at is not None)


def _unauthenticated(code: str, detail: str) -> Unauthenticated:
    challenge = 'Bearer realm="recollect"'
    if code != "KEY_MISSING":
        challenge += ', error="invalid_token"'
    return Unauthenticated(detail, code=code, headers={"WWW-Authenticate": challenge})
