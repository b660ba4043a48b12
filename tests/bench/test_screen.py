"""The benchmarks on one screen are those of the long page."""

from __future__ import annotations

from bench.evaluation.document import HEAD, RULE
from bench.evaluation.screen import groups, screen
from bench.report import DOCS

ROWS = """
| Speed | a | x \\| y | 5 | <= 2.0 |  | **3.0** | 2.5 |  | **falls short** |
| ... worst | b | x | 5 | 0.9 |  | 0.95 | 0.97 |  | holds |
| Breadth | b | x | 1,000 |  |  | 1.0 | 9.0 |  |  |
"""


def test_rows_stand_with_what_they_measure_and_losses_are_named() -> None:
    page = f"## A section\n\n{HEAD}\n{RULE}{ROWS}\n| another | table |\n|---|---|\n| 1 | 2 |\n"
    found = groups(page)
    assert [len(rows) for rows in found.values()] == [2, 1]
    assert [row.is_behind for rows in found.values() for row in rows] == [True, True, False]
    told = screen(page)
    assert "| Speed | 3.0 | 2.5 | 2 | 2 | 1: Speed, a: 3.0 of <= 2.0 |" in told
    assert (
        "1 hold what they must, 0 reach what they aim at, too, 1 fall short, and in 2 another method is better" in told
    )


def test_the_screen_is_that_of_the_page() -> None:
    assert (DOCS / "benchmarks.md").read_text("utf-8") == screen((DOCS / "evaluation.md").read_text("utf-8"))
