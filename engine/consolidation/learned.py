"""What one consolidation has learned, as plain arrays to keep."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.learning import Parameters

FORMAT = 3


@dataclass(frozen=True, slots=True)
class TargetLoss:
    """Mean log-loss in nats of replayed, held-out episodes for one field, before and after learning."""

    target: str
    learner: str
    replays: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What one consolidation learned. `chosen` maps a target to its learner; others stay closed-form."""

    episodes: int
    chosen: Mapping[str, str]
    parameters: Mapping[str, Parameters]
    losses: tuple[TargetLoss, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """An .npz archive of plain arrays with a JSON header; nothing in it is executable."""
        header = {
            "format": FORMAT,
            "episodes": self.episodes,
            "chosen": dict(self.chosen),
            "losses": [[x.target, x.learner, x.replays, x.before, x.after] for x in self.losses],
            "settings": dict(self.settings),
        }
        arrays: dict[str, Any] = {
            f"{name}/{key}": value for name, group in self.parameters.items() for key, value in group.items()
        }
        file = io.BytesIO()
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Learned:
        """Read `to_bytes`; raises ValueError for a format of another version."""
        with np.load(io.BytesIO(blob), allow_pickle=False) as archive:
            header = json.loads(archive["header"].tobytes())
            if header["format"] != FORMAT:
                raise ValueError(f"learned state of format {header['format']}, expected {FORMAT}")
            parameters: dict[str, dict[str, npt.NDArray[Any]]] = {}
            for key in archive.files:
                name, _, rest = key.partition("/")
                if rest:
                    parameters.setdefault(name, {})[rest] = archive[key]
        losses = tuple(TargetLoss(*row) for row in header["losses"])
        return cls(header["episodes"], header["chosen"], parameters, losses, header["settings"])
