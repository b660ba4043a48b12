"""Shares of parts in groups, against every order in which no group is torn apart, written out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import pytest

from engine.answer import shares


def game(seed: int, n: int) -> dict[int, float]:
    return dict(enumerate(np.random.default_rng(seed).normal(size=1 << n).tolist()))


def orders(tree: shares.Tree) -> Iterator[list[int]]:
    """Every order of the parts in which those of a group follow each other."""
    if isinstance(tree, int):
        yield [tree]
        return
    for some in permutations(tree):
        for each in product(*(list(orders(one)) for one in some)):
            yield [part for one in each for part in one]


TREES: list[shares.Tree] = [(0, 1, 2, 3), ((0, 1), (2, 3)), ((0, 3, 1), (2, 4)), (((0, 1), (2,)), ((3, 5), (4, 6)))]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("seed", range(5))
def test_they_are_the_mean_over_the_orders_that_keep_the_groups_together(tree: shares.Tree, seed: int) -> None:
    n = len(shares.leaves(tree))
    v, totals, count = game(seed, n), [0.0] * n, 0
    for order in orders(tree):
        mask = 0
        for part in order:
            totals[part] += v[mask | 1 << part] - v[mask]
            mask |= 1 << part
        count += 1
    assert shares.shares(v, tree) == pytest.approx([total / count for total in totals], abs=1e-12)


@pytest.mark.parametrize("n", [8, 9, 12, 13, 20])
def test_the_sum_is_what_all_did_and_only_what_is_asked_is_needed(n: int) -> None:
    tree = shares.grouped(np.corrcoef(np.random.default_rng(n).normal(size=(n, 30))))
    assert sorted(shares.leaves(tree)) == list(range(n))
    rng = np.random.default_rng(n)
    v = {mask: float(rng.normal()) for mask in sorted(shares.asked(tree))}
    assert sum(shares.shares(v, tree)) == pytest.approx(v[(1 << n) - 1] - v[0], abs=1e-12)


def test_what_speaks_for_the_same_is_in_one_group() -> None:
    alike = np.kron(np.eye(3), np.ones((3, 3)))[np.ix_(*[[0, 3, 6, 1, 4, 7, 2, 5, 8]] * 2)]
    for group in shares.groups(shares.grouped(alike)):
        assert len(group) > 1
        assert len({part % 3 for part in group}) <= 2


def test_a_part_that_changes_nothing_has_no_share_and_equal_ones_of_a_group_have_equal_shares() -> None:
    tree: shares.Tree = ((0, 1, 2), (3, 4))
    v = {mask: float((mask >> 0 & 1) + (mask >> 1 & 1)) ** 2 + 3.0 * (mask >> 3 & 1) for mask in range(32)}
    found = shares.shares(v, tree)
    assert found[0] == pytest.approx(found[1])
    assert found[2] == found[4] == 0.0
    assert found[3] == pytest.approx(3.0)
