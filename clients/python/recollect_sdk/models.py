"""The generated client's types, made from JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def typed(model: type[T], document: Any) -> T:
    """A document as the generated client types it."""
    made: Any = model
    result: T = made.from_dict(document)
    return result


def reader(model: type[T]) -> Callable[[Any], T]:
    """What types a document."""
    return partial(typed, model)
