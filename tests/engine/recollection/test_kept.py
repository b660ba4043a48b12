"""What cues said of a field is kept while the field stays as it is, and is what weighing anew would find."""

from __future__ import annotations

import numpy as np
import pytest

from engine.memory.columns import Column
from engine.memory.values import Value
from engine.priors import EVIDENCE_KEPT_BYTES, GENERALISATION_WIDTH, RECOLLECTION_WIDTH
from engine.recollection import kept
from engine.recollection.evidence import UNKNOWN_KERNEL, FieldEvidence, noise_prior, weigh_field
from engine.recollection.kept import kept_evidence

WORDS = ("paid", "open", "returned", "opened", "Paid")


def columns(rng: np.random.Generator) -> list[Column]:
    texts: list[Value] = [WORDS[n] for n in rng.integers(len(WORDS), size=60)]
    numbers: list[Value] = [float(n) if n % 2 else int(n) for n in rng.integers(12, size=60)]
    days: list[Value] = [f"2024-03-{n:02d}" for n in rng.integers(1, 28, size=60)]
    found = []
    for name, values in (("status", texts), ("amount", numbers), ("day", days), ("tags", [["a", t] for t in texts])):
        found.append(Column(name))
        found[-1].extend(values)
    return found


def is_equal(one: FieldEvidence, other: FieldEvidence) -> bool:
    levels, kernel = noise_prior(1.0), UNKNOWN_KERNEL
    arrays = [
        [each.near, each.exact, each.share, each.table(levels[0]), each.broad_table(levels[1]), ways.scores, ways.of]
        for each, ways in ((each, each.ways(levels, kernel)) for each in (one, other))
    ]
    numbers = [(each.code, each.m, each.u, each.surprise, each.met, each.repeats) for each in (one, other)]
    return numbers[0] == numbers[1] and all(map(np.array_equal, *arrays))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_is_what_weighing_anew_finds_whatever_comes_and_goes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for column in columns(rng):
        asked: list[Value] = [*dict.fromkeys(map(str, WORDS)), 3, 3.0, True, "3", 3.5, "2024-03-09", ["a"], "neither"]
        for _ in range(4):
            for value in [*asked, *asked]:
                for width in (RECOLLECTION_WIDTH, GENERALISATION_WIDTH):
                    found = kept_evidence(column.name, column, value, width)
                    assert is_equal(found, weigh_field(column.name, column, value, width))
                    again = kept_evidence(column.name, column, value, width)
                    assert again.near is found.near
                    assert again.broad_table(noise_prior(1.0)[1]) is found.broad_table(noise_prior(1.0)[1])
            column.remove([int(rng.integers(column.size))])
            column.append(column.values[int(rng.integers(column.distinct))])


def test_other_levels_and_kernels_are_not_told_what_was_kept() -> None:
    column = columns(np.random.default_rng(0))[0]
    found, levels = kept_evidence("status", column, "open", RECOLLECTION_WIDTH), noise_prior(1.0)
    before = found.ways(levels, UNKNOWN_KERNEL)
    assert found.ways(levels, UNKNOWN_KERNEL) is before
    kernel = np.array([0.1, 0.2, 0.3, 0.4])
    assert not np.array_equal(found.ways(levels, kernel).scores, before.scores)
    quiet = noise_prior(1.0, (0.5, 0.3, 0.2))
    assert quiet is not levels
    assert found.ways(quiet, UNKNOWN_KERNEL) is not before
    assert not np.array_equal(found.broad_table(levels[0]), found.broad_table(levels[2]))


def test_a_field_keeps_no_more_than_its_bytes_and_lets_the_oldest_go() -> None:
    column = Column("id")
    column.extend([f"id-{n}" for n in range(200)])
    for n in range(200):
        kept_evidence("id", column, f"id-{n}", RECOLLECTION_WIDTH)
    held = column.derived("evidence", kept._Kept)
    assert 0 < held._bytes <= EVIDENCE_KEPT_BYTES
    assert held._bytes == pytest.approx(sum(size_bytes for _, size_bytes in held._held.values()))
    assert [text for _, _, text in held._held] == [repr(f"id-{n}") for n in range(200 - len(held._held), 200)]


def test_what_takes_too_much_is_not_kept() -> None:
    column = Column("id")
    column.extend([f"id-{n}" for n in range(3000)])
    one, other = (kept_evidence("id", column, "id-7", RECOLLECTION_WIDTH) for _ in range(2))
    assert one.near is not other.near


def test_episodes_that_are_alike_are_not_kept() -> None:
    common = Column("status")
    common.extend(["paid"] * 9000)
    one, other = (kept_evidence("status", common, "paid", RECOLLECTION_WIDTH) for _ in range(2))
    assert one.near is other.near
    assert len(one.similar[0]) == 9000
    for each in (other, kept_evidence("status", common, "paid", RECOLLECTION_WIDTH)):
        assert not {"similar", "alike"} & each.__dict__.keys()
