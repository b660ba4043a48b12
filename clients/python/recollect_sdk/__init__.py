"""Recollect in three lines: a partial episode in, the whole out, or a refusal that can be applied.

from recollect_sdk import Recollect

answer = Recollect().space("demo").complete(what="breakfast")
print(answer["where"].value, answer["where"].confidence)
"""

from recollect_sdk.answers import Completion, Field, Filled, Found
from recollect_sdk.asynchronous import AsyncRecollect, AsyncSpace
from recollect_sdk.errors import AsyncRefusal, NotReached, Problem, Refusal, Suggestion
from recollect_sdk.synchronous import Recollect, Space

__all__ = [
    "AsyncRecollect",
    "AsyncRefusal",
    "AsyncSpace",
    "Completion",
    "Field",
    "Filled",
    "Found",
    "NotReached",
    "Problem",
    "Recollect",
    "Refusal",
    "Space",
    "Suggestion",
]
