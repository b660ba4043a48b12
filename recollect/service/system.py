"""What the service is, what it takes, and who the caller is to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import engine
import recollect
from recollect import strict_json
from recollect.service import admission, rules
from recollect.service.access import ANONYMOUS, Caller
from recollect.service.runtime import Runtime
from recollect.store.receipts import RECEIPT_LIFE_S


@dataclass(frozen=True, slots=True)
class Version:
    """Which software answers."""

    version: str
    engine_version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class Whoami:
    """What the caller's key may do. `spaces` None means every space."""

    key_id: str
    is_anonymous: bool
    actions: tuple[str, ...]
    spaces: tuple[str, ...] | None


async def get_version(runtime: Runtime) -> Version:
    """The versions of the service, of its engine and of its contract."""
    return Version(recollect.__version__, engine_version=engine.VERSION, api_version="v1")


async def get_limits(runtime: Runtime) -> Mapping[str, float]:
    """Every limit a caller can run into; those of the contract's schemas are the contract's, repeated here."""
    settings = runtime.settings
    return {
        "max_json_depth": strict_json.MAX_DEPTH,
        "max_batch_items": rules.MAX_BATCH_ITEMS,
        "max_import_items": rules.MAX_IMPORT_ITEMS,
        "max_page_items": rules.MAX_PAGE_ITEMS,
        "max_recall_items": rules.MAX_RECALL_ITEMS,
        "max_fields": admission.MAX_FIELDS,
        "max_name_length": admission.MAX_NAME_LENGTH,
        "max_text_length": admission.MAX_TEXT_LENGTH,
        "max_list_items": admission.MAX_LIST_ITEMS,
        "max_metadata": admission.MAX_METADATA,
        "max_embedding_dimensions": admission.MAX_DIMENSIONS,
        "max_hypotheses": rules.MAX_HYPOTHESES,
        "max_iterations": rules.MAX_ITERATIONS,
        "idempotency_ttl_s": RECEIPT_LIFE_S,
        "max_body_bytes": settings.max_body_bytes,
        "max_import_bytes": settings.max_import_bytes,
        "max_grpc_message_bytes": settings.max_body_bytes,
        "body_timeout_s": settings.body_timeout_s,
        "request_timeout_s": settings.request_timeout_s,
        "max_in_flight": settings.max_in_flight * settings.workers,
        "rate_per_s": settings.rate_per_s,
        "rate_burst": settings.rate_burst,
        "max_spaces": settings.max_spaces,
        "max_episodes": settings.max_episodes,
        "max_space_bytes": settings.max_space_bytes,
    }


async def get_whoami(runtime: Runtime, caller: Caller) -> Whoami:
    """Who the key says the caller is."""
    actions = tuple(sorted(str(action) for action in caller.actions))
    return Whoami(caller.key_id, caller.key_id == ANONYMOUS, actions, caller.spaces)
