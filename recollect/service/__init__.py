"""What the product does: one coroutine per operation, named as in the contract.

Both edges (HTTP in `handlers`, gRPC in `recollect.rpc`) translate and call these;
the service decides. Every function takes the worker's `Runtime` and, on the data
plane, the `Scope` of the caller. Errors are those of `recollect.errors`.
"""

from recollect.service.calibration import get_calibration
from recollect.service.completions import complete, complete_batch
from recollect.service.consolidation import consolidate, get_consolidation
from recollect.service.contradictions import list_contradictions, list_duplicates
from recollect.service.episodes import (
    create_episode,
    delete_episode,
    forget_episodes,
    get_episode,
    list_episodes,
    put_episode,
)
from recollect.service.examining import audit_space, evaluate_space, get_audit, get_evaluation
from recollect.service.feedback import create_feedback
from recollect.service.filling import fill
from recollect.service.imports import import_episodes
from recollect.service.merging import merge_episodes, unmerge_episodes
from recollect.service.patterns import list_patterns
from recollect.service.proofs import prove_forgetting
from recollect.service.recall import recall
from recollect.service.spaces import delete_space, get_space, get_space_stats, list_spaces, patch_space, put_space
from recollect.service.statements import probability
from recollect.service.streaming import complete_stream
from recollect.service.system import get_limits, get_version, get_whoami
from recollect.service.threshold import get_threshold

__all__ = [
    "audit_space",
    "complete",
    "complete_batch",
    "complete_stream",
    "consolidate",
    "create_episode",
    "create_feedback",
    "delete_episode",
    "delete_space",
    "evaluate_space",
    "fill",
    "forget_episodes",
    "get_audit",
    "get_calibration",
    "get_consolidation",
    "get_episode",
    "get_evaluation",
    "get_limits",
    "get_space",
    "get_space_stats",
    "get_threshold",
    "get_version",
    "get_whoami",
    "import_episodes",
    "list_contradictions",
    "list_duplicates",
    "list_episodes",
    "list_patterns",
    "list_spaces",
    "merge_episodes",
    "patch_space",
    "probability",
    "prove_forgetting",
    "put_episode",
    "put_space",
    "recall",
    "unmerge_episodes",
]
