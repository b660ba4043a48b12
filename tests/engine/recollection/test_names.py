"""Of many names those that share most trigrams are compared letter by letter: the same as of a look at all."""

from __future__ import annotations

import numpy as np
import pytest

from engine.memory.columns import Column
from engine.memory.values import trigrams
from engine.priors import MANY_NAMES, NAME_FLOOR, NAMES_COMPARED, TYPO_NATS
from engine.recollection.similarity import _names_compared, _sharing_most, nearness, shortens

WORLDS = {
    "serial numbers": lambda rng, n: f"ord-{int(rng.integers(10_000_000)):07d}",
    "names": lambda rng, n: "".join(chr(97 + c) for c in rng.integers(6, size=int(rng.integers(3, 12)))),
    "of one word": lambda rng, n: f"person {n:04d}" + " of the house" * int(rng.integers(3)),
}


def obvious(column: Column, text: str) -> list[int]:
    """Dice of every name, the best first, those met first of equals; ascending."""
    grams = set(trigrams(text))
    own = [set(trigrams(str(column.values[code]))) for code in range(column.distinct)]
    dice = np.array([2.0 * len(grams & each) / (len(grams) + len(each)) for each in own])
    best = sorted(np.flatnonzero(dice >= NAME_FLOOR).tolist(), key=lambda code: (-dice[code], code))
    return sorted(best[:NAMES_COMPARED])


@pytest.mark.parametrize("world", WORLDS)
def test_the_names_compared_are_those_that_a_look_at_all_finds(world: str) -> None:
    rng, column = np.random.default_rng(5), Column("name")
    names = list(dict.fromkeys(WORLDS[world](rng, n) for n in range(2 * MANY_NAMES)))
    column.extend(names)
    assert column.distinct > MANY_NAMES
    column.remove([7, 90])
    asked = [str(column.values[int(code)]) for code in rng.integers(column.distinct, size=12)]
    for text in [*asked, *(each[:-2] + "x" for each in asked), "neither", "ab"]:
        assert _names_compared(column, trigrams(text)).tolist() == obvious(column, text)


def test_few_are_looked_at_where_the_others_cannot_be_more_alike() -> None:
    rng, column = np.random.default_rng(6), Column("id")
    column.extend(list(dict.fromkeys(f"ord-{n:07d}" for n in rng.integers(10_000_000, size=3 * MANY_NAMES).tolist())))
    index, grams = column.postings("trigram"), trigrams("ord-4561239")
    (shared, common), sizes = index.shared(grams), index.sizes
    few = [len(_sharing_most(shared, common, sizes, shortest, len(grams))) for shortest in (int(sizes.min()), 0)]
    assert NAMES_COMPARED <= few[0] < len(shared) // 4
    assert few[0] < few[1], "shorter names could be more alike"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("t.", "thomas"),
        ("tom", "thomas"),
        ("henk", "henrik"),
        ("t. berg", "thomas berg"),
        ("intl airport", "international airport"),
    ],
)
def test_initials_and_shortened_names_are_told(short: str, long: str) -> None:
    assert shortens(short, long)
    assert not shortens(long, short)


@pytest.mark.parametrize(
    ("short", "long"),
    [("a1", "a12"), ("bob", "robert"), ("berg", "thomas berg"), ("sam", "thomas"), ("thomas", "thomas"), (".", "..")],
)
def test_other_words_and_codes_are_not_shortened(short: str, long: str) -> None:
    assert not shortens(short, long)


def test_an_unknown_name_is_as_near_to_those_it_shortens_as_a_typo_is() -> None:
    column = Column("name")
    column.extend(["Thomas", "Tobias", "Maria", "Karl"])
    near, _ = nearness(column, "Tom", 0.01)
    assert near.tolist() == pytest.approx([np.exp(-TYPO_NATS), 0.0, 0.0, 0.0])
    column.extend(["Tom"])  # a name of somebody's own
    near, _ = nearness(column, "Tom", 0.01)
    assert near[0] == 0.0
