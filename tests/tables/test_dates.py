"""Which texts are dates."""

import numpy as np
import pytest

from recollect.tables import booleans
from recollect.tables.dates import ISO, is_moment, weigh_date
from recollect.tables.numbers import PLAIN, undress


def test_a_text_in_the_form_of_iso_8601_is_neither_a_number_nor_a_word() -> None:
    rng = np.random.default_rng(3)
    for _ in range(2000):
        year, *rest = rng.integers(0, (10_000, 100, 100, 100, 100)).tolist()
        month, day, hour, minute = rest
        clock = f"{rng.choice(['T', 't', ' '])}{hour:02}:{minute:02}{rng.choice(['', 'Z', '+01:00', '-0300', ':07.5'])}"
        for text in (
            f"{year:04}-{month:02}",
            f"{year:04}-{month:02}-{day:02}",
            f"{year:04}-{month:02}-{day:02}{clock}",
        ):
            assert ISO.fullmatch(text)
            assert PLAIN.fullmatch(text) is None
            assert undress(text) is None
            assert text.lower() not in booleans.WORDS
            assert is_moment(text) == (weigh_date(text) is not None)


@pytest.mark.parametrize(
    ("text", "is_there"),
    [("2024-02-29", True), ("2025-02-29", False), ("2025-13", False), ("2025-12", True), ("2025-01-01T24:30", False)],
)
def test_only_days_and_times_that_there_are_count(text: str, is_there: bool) -> None:
    assert is_moment(text) == is_there
