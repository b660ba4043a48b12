"""Sentence models from a folder on this machine: what texts mean, as vectors. Nothing here ever downloads one.

    tokenizer.json                  how a text is cut into tokens
    model.onnx or onnx/model.onnx   a transformer: the mean over a text's tokens
    model.safetensors               else a matrix with a row per token, and the mean of a text's rows

as Hugging Face, Sentence Transformers and Model2Vec write them. A text is encoded by itself, never in a batch, where
padding and the scale of whole numbers would show: what it means hangs on it alone, in whichever worker and order.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Noise

Singles = npt.NDArray[np.float32]

MOST_TOKENS = 256  # of a text; what comes after them is not read
WORDS = 64  # of the model's own, whose pairs tell how near unrelated texts lie
LEAST_LETTERS = 3  # of such a word
VECTORS_KEPT = 512  # each field of a cue is read several times
TRANSFORMERS = ("model.onnx", "onnx/model.onnx")
STATIC = "model.safetensors"
MATRICES = ("embeddings", "embedding.weight")  # as Model2Vec and as Sentence Transformers call it


class SentenceModel:
    """A model of a folder. `digest` tells it from any other, and from itself as another release would read it."""

    def __init__(self, vector: Callable[[str], Singles], words: Sequence[str], digest: str) -> None:
        self._vector = lru_cache(VECTORS_KEPT)(vector)
        self.digest = digest
        self._dimensions = len(vector(words[0]))
        self.noise = Noise.of(self.encode(words))

    def encode(self, texts: Sequence[str]) -> Singles:
        """float32[n, d]: rows of length 1; NaN for a text of which the model knows nothing."""
        rows = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            rows[row] = self._vector(text)
        return rows


def load(folder: Path) -> SentenceModel:
    """The model in a folder; raises ValueError saying what is missing or wrong."""
    pieces = folder / "tokenizer.json"
    model = next((folder / name for name in TRANSFORMERS if (folder / name).is_file()), folder / STATIC)
    for file in (pieces, model):
        if not file.is_file():
            raise ValueError(
                f"{file} is not there; a sentence model has tokenizer.json and {TRANSFORMERS[0]} or {STATIC}"
            )
    is_static = model.suffix == ".safetensors"
    tokenizers = _library("tokenizers")
    runtime = _library("safetensors.numpy" if is_static else "onnxruntime")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(pieces))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS)
        vector = (_static if is_static else _transformer)(runtime, model, tokenizer)
        versions = [str(getattr(each, "__version__", "")) for each in (tokenizers, runtime)]
        return SentenceModel(vector, _words(tokenizer), _digest((pieces, model), versions))
    except Exception as fault:  # these libraries share no error; what they say of the file is told
        raise ValueError(f"{folder} holds no sentence model that can be read: {fault}") from fault


def _static(safetensors: Any, file: Path, tokenizer: Any) -> Callable[[str], Singles]:
    """A text's vector as the mean of its tokens' rows, in a direction alone."""
    tensors = safetensors.load_file(str(file))
    name = next((name for name in MATRICES if name in tensors), None)
    if name is None:
        raise ValueError(f"{file.name} has no tensor called {' or '.join(MATRICES)}")
    rows = tensors[name].astype(np.float32, copy=False)
    size = max(len(rows), tokenizer.get_vocab_size())
    row_of, weights = tensors.get("mapping", np.arange(size)), tensors.get("weights", np.ones(size))
    weights = weights.astype(np.float32)
    unknown = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "")

    def vector(text: str) -> Singles:
        ids = [each for each in tokenizer.encode(text, add_special_tokens=False).ids if each != unknown]
        return _unit((weights[ids, None] * rows[row_of[ids]]).sum(axis=0))

    return vector


def _transformer(onnxruntime: Any, file: Path, tokenizer: Any) -> Callable[[str], Singles]:
    """A text's vector as the mean over its tokens, or what the model itself makes of the whole."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the workers share the cores already
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    wanted = [each.name for each in session.get_inputs()]

    def vector(text: str) -> Singles:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        known = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        told = session.run(None, {name: known[name] for name in wanted})
        whole = next((each for each in told if each.ndim == 2), None)
        return _unit(told[0][0].mean(axis=0) if whole is None else whole[0])

    return vector


def _unit(vector: Singles) -> Singles:
    """The vector at length 1; NaN where it has none."""
    length = float(np.linalg.norm(vector))
    unit: Singles = vector / np.float32(length) if length > 0.0 else np.full_like(vector, np.nan)
    return unit


def _words(tokenizer: Any) -> list[str]:
    """WORDS of the whole words that the model has a token for, evenly through the alphabet."""
    pieces = {str(piece).lstrip("Ġ▁") for piece in tokenizer.get_vocab()}
    words = sorted(word for word in pieces if word.isalpha() and len(word) >= LEAST_LETTERS)
    if not words:
        raise ValueError("its tokenizer knows no words")
    return words[:: -(-len(words) // WORDS)]


def _digest(files: Iterable[Path], versions: Iterable[str]) -> str:
    """SHA-256 over the files and what reads them."""
    whole = hashlib.sha256("\n".join(versions).encode())
    for file in files:
        with file.open("rb") as opened:
            whole.update(hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(
            f"reading it takes the library {name.partition('.')[0]}: pip install 'recollect[meaning]'"
        ) from None
