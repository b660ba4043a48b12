"""Ids by row: rows go, one by one or many at once, and what is left is as if they had never been."""

from __future__ import annotations

import numpy as np
import pytest

from recollect.memory.ids import Ids


@pytest.mark.parametrize("gone", [1, 7, 31, 33, 250])
def test_what_is_left_is_found_by_row_and_by_id(gone: int) -> None:
    rng = np.random.default_rng(gone)
    ids, names = Ids(), [f"ep {n}" for n in range(400)]
    for number, name in enumerate(names):
        ids.append(name, 10 * number, float(number))
    for _ in range(3):
        rows = np.sort(rng.choice(len(names), size=min(gone, len(names) // 2), replace=False)).tolist()
        ids.remove(rows)
        left = [name for row, name in enumerate(names) if row not in set(rows)]
        removed, names = set(names) - set(left), left
        assert ids[:] == names
        assert [ids.row(name) for name in names] == list(range(len(names)))
        assert {ids.row(name) for name in removed} == {None}
        assert [ids.revision(row) for row in range(len(names))] == [10 * int(name[3:]) for name in names]
        assert ids.moments.tolist() == [float(name[3:]) for name in names]
