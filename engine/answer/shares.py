"""How what a cue's parts did together is shared among them: Shapley's value, and Owen's for parts in groups.

v maps a set of parts, a mask of bits, to the log-odds of the answer given these parts alone.

    phi_f = sum_{S without f} |S|! (n - |S| - 1)! / n! [v(S + f) - v(S)]

is the one way to share v(all) - v(none) that gives equal parts equal shares, and a part that changes nothing none
(Shapley 1953); it asks for all 2^n sets. Of more parts those that tell of the same are grouped, groups of groups, and
each group stands or falls as one before the parts in it are told apart (Owen 1977; Winter 1989 for groups of groups):

    of a group the parts or smaller groups share what it did, as above, for every way in which each group beside it,
    and beside those it lies in, is there or not; a part's share is the mean over these ways, weighed as by Shapley.

Both are exact: nothing is drawn, and the shares add up to v(all) - v(none).

Sources: Shapley 1953; Owen 1977; Winter 1989 (a value for cooperative games with levels structure).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from engine.memory.arrays import Floats
from engine.priors import LEAF

# A part by its number, or a group of such trees.
Tree = int | tuple["Tree", ...]


def grouped(alike: Floats) -> Tree:
    """The parts of a cue as a tree, by how alike they are, float64[n, n]: halves of halves, LEAF parts at the end.

    A half is the part that is most alike to any other, and those most alike to the half, one after the other.
    """
    return _halved(list(range(len(alike))), alike)


def _halved(parts: list[int], alike: Floats) -> Tree:
    if len(parts) <= LEAF:
        return tuple(parts)
    among = alike[np.ix_(parts, parts)] - 2.0 * np.eye(len(parts))
    half = [int(among.max(axis=1).argmax())]
    while len(half) < (len(parts) + 1) // 2:
        near = among[half].mean(axis=0)
        near[half] = -np.inf
        half.append(int(near.argmax()))
    one = sorted(parts[place] for place in half)
    return _halved(one, alike), _halved(sorted(set(parts) - set(one)), alike)


def leaves(tree: Tree) -> list[int]:
    """The parts of a tree, in its order."""
    return [tree] if isinstance(tree, int) else [part for each in tree for part in leaves(each)]


def groups(tree: Tree) -> list[list[int]]:
    """The smallest groups of a tree, each the parts that were told apart by every subset of them."""
    if isinstance(tree, int):
        return []
    if all(isinstance(each, int) for each in tree):
        return [leaves(tree)]
    return [group for each in tree for group in groups(each)]


def asked(tree: Tree) -> set[int]:
    """The masks of which v must be known."""
    return {mask for _, _, one, other in _steps(tree) for mask in (one, other)} | {0}


def shares(v: Mapping[int, float], tree: Tree) -> list[float]:
    """phi float[n], exactly, from v of the masks that are `asked`."""
    found: dict[int, list[float]] = {part: [] for part in leaves(tree)}
    for part, weight, without, within in _steps(tree):
        found[part].append(weight * (v[within] - v[without]))
    return [math.fsum(found[part]) for part in sorted(found)]


def _steps(tree: Tree, beside: Sequence[tuple[int, float]] = ((0, 1.0),)) -> Iterator[tuple[int, float, int, int]]:
    """(part, weight, mask without it, mask with it) of every comparison; `beside` are the ways of what is around."""
    if isinstance(tree, int):
        yield from ((tree, weight, mask, mask | 1 << tree) for mask, weight in beside)
        return
    masks = [sum(1 << part for part in leaves(each)) for each in tree]
    n = len(tree)
    for place, each in enumerate(tree):
        others = masks[:place] + masks[place + 1 :]
        ways = [
            (mask | sum(some), weight * math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n))
            for mask, weight in beside
            for size in range(n)
            for some in combinations(others, size)
        ]
        yield from _steps(each, ways)
