"""The trigrams of many texts at once: what `values.trigrams` gives of each, by whole-array passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.memory.arrays import Codes
from engine.memory.values import folded

AT_ONCE = 50_000  # texts: what is sorted at a time stays small


def trigram_runs(texts: Sequence[str], first: int) -> Iterator[tuple[str, Codes]]:
    """(trigram, int32 numbers of the texts that hold it, ascending), the texts numbered from `first` on.

    A trigram may come again, with the texts that follow.
    """
    for begin in range(0, len(texts), AT_ONCE):
        yield from _runs(texts[begin : begin + AT_ONCE], first + begin)


def _runs(texts: Sequence[str], first: int) -> Iterator[tuple[str, Codes]]:
    padded = [f"\x02{folded(text)}\x03" for text in texts]
    lengths = np.fromiter(map(len, padded), dtype=np.int64, count=len(padded))
    letters = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32)
    alphabet, spelt = np.unique(letters, return_inverse=True)
    owner = np.repeat(np.arange(len(padded)), lengths)
    width = len(alphabet) + 1  # 0 stands for no letter: the one trigram of an empty text has two
    spelt = np.append(spelt + 1, (0, 0))
    gram = (spelt[:-2] * width + spelt[1:-1]) * width + spelt[2:]
    ends = np.cumsum(lengths)
    starts = np.ones(len(letters), dtype=bool)
    starts[ends - 1] = starts[ends - 2] = False  # none begins at the last two letters of a text
    empty = np.flatnonzero(lengths == 2)
    keys = gram[starts] * len(padded) + owner[starts]
    if len(empty):
        bare = (spelt[0] * width + spelt[lengths[0] - 1]) * width  # every text begins and ends alike
        keys = np.append(keys, bare * len(padded) + empty)
    keys = np.sort(keys)
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    grams, owners = np.divmod(keys, len(padded))
    bounds = np.flatnonzero(np.append(True, grams[1:] != grams[:-1]))
    named = ["", *map(chr, alphabet.tolist())]
    for begin, end in zip(bounds.tolist(), [*bounds[1:].tolist(), len(grams)], strict=True):
        rest, third = divmod(int(grams[begin]), width)
        one, two = divmod(rest, width)
        yield named[one] + named[two] + named[third], (owners[begin:end] + first).astype(np.int32)
