"""`python -m bench.evaluation.distilling MODEL INTO`: a static sentence model made of a transformer.

Each token's row is what the transformer makes of it alone, on the principal axes, smaller the commoner the token is:
tokens stand in order of their frequency (Zipf), which this takes for p(t) in a / (a + p(t)). The folder INTO can be
read as any other of RECOLLECT_ENCODER, a thousand times faster than MODEL.

Sources: Tulkens & van Dongen 2024 (Model2Vec); Arora, Liang & Ma 2017 (weights).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from recollect.memory.encoders import load

DIMENSIONS = 256
A = 1e-4


def distil(model: Path, into: Path) -> None:
    """Write the folder."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab()
    pieces = [piece.removeprefix("##") for piece, _ in sorted(vocabulary.items(), key=lambda each: each[1])]
    rows = np.nan_to_num(load(model).encode(pieces).astype(np.float64))
    rows -= rows.mean(axis=0)
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    share = 1.0 / np.arange(2, len(rows) + 2)
    share /= share.sum()
    rows = (rows @ axes[:DIMENSIONS].T) * (A / (A + share))[:, None]
    into.mkdir(parents=True, exist_ok=True)
    shutil.copy(model / "tokenizer.json", into)
    save_file({"embeddings": rows.astype(np.float32)}, into / "model.safetensors")


if __name__ == "__main__":
    distil(Path(sys.argv[1]), Path(sys.argv[2]))
