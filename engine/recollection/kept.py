"""What cues said of a field, kept while the field stays as it is: many cues have the same values."""

from __future__ import annotations

from collections.abc import Callable

from engine.memory.columns import Column
from engine.memory.values import Value
from engine.priors import EVIDENCE_BYTES_A_VALUE, EVIDENCE_KEPT_BYTES, EVIDENCE_SHARE
from engine.recollection.evidence import FieldEvidence, weigh_field

_Key = tuple[str, float, str]


class _Kept:
    """The evidence of a field's latest cue values, those that were asked for longest ago let go first."""

    def __init__(self) -> None:
        self._held: dict[_Key, tuple[FieldEvidence, float]] = {}
        self._bytes = 0.0

    def get(self, key: _Key, make: Callable[[], FieldEvidence]) -> FieldEvidence:
        """What is held under the key, made where nothing is."""
        found = self._held.pop(key, None)
        if found is not None:
            self._held[key] = found  # the latest again
            return found[0].again()
        made = make()
        size_bytes = _size_bytes(made) + len(key[-1])
        if size_bytes <= EVIDENCE_SHARE * EVIDENCE_KEPT_BYTES:
            self._held[key] = made, size_bytes
            self._bytes += size_bytes
            while self._bytes > EVIDENCE_KEPT_BYTES:
                self._bytes -= self._held.pop(next(iter(self._held)))[1]
        return made


def kept_evidence(name: str, column: Column, value: Value, width: float) -> FieldEvidence:
    """`weigh_field`, worked out once for every value and width until an episode comes or goes.

    At most EVIDENCE_KEPT_BYTES a field are held, and none of a value that takes more than EVIDENCE_SHARE of them.
    """
    kept = column.derived("evidence", _Kept)
    key = (column.kind, width, repr(value))  # tells 3 from 3.0 and true from "true"
    return kept.get(key, lambda: weigh_field(name, column, value, width))


def _size_bytes(evidence: FieldEvidence) -> float:
    """About what it takes: arrays over the values."""
    return EVIDENCE_BYTES_A_VALUE * len(evidence.near)
