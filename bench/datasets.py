"""The evaluation data: where it lies, how it is read, and its own scorer."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

Json = dict[str, Any]
DEFAULT_FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One folder of episodes and queries."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def episodes(self, *without: str) -> list[Json]:
        """The stored records, in order, less the given members and empty ones."""
        return [
            {k: v for k, v in row.items() if k not in without and v is not None} for row in self.rows("episodes.jsonl")
        ]

    def rows(self, file: str) -> list[Json]:
        """The JSON objects of a file, one a line."""
        with (self.folder / file).open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def score(self, predictions: Iterable[Mapping[str, Any]], queries: str = "queries.jsonl") -> Json:
        """What the data's own scorer says of the predictions."""
        spec = importlib.util.spec_from_file_location("score", self.folder.parent / "score.py")
        assert spec is not None
        assert spec.loader is not None
        scorer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(scorer)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file, redirect_stdout(StringIO()):
            file.writelines(json.dumps(prediction) + "\n" for prediction in predictions)
            file.flush()
            scores: Json = scorer.main(str(self.folder), file.name, queries)
        return scores
