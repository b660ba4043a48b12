"""A row that falls short is told with what is missing, why, and at least three ways that were measured."""

from __future__ import annotations

import re
from typing import Any

from bench.evaluation import shortfalls
from bench.evaluation.requirements import BY_ROW
from bench.evaluation.seams import AS_IS, WAYS
from bench.evaluation.trial import Figure

SHORT = Figure("new_number", "football", "home_score: mean absolute error", 1.2, 57, baseline=1.0)
OTHER = Figure("new_number", "bird_strikes", "height_ft: mean absolute error", 500.0, 40, baseline=400.0)
HOLDS = Figure("odd_fact", "anywhere", "rank 1", 1.0, 12)


def table(rows: list[str], ways: int) -> dict[str, Any]:
    cells = {f"way {i}": {"instead": "another", "cells": [[1.1, -0.1, 0.02], [0.05, 0.01, None]]} for i in range(ways)}
    made = {AS_IS: {"instead": "", "cells": [[1.2, 0.0, 0.0], [0.04, 0.0, None]]}, **cells}
    return {"rows": rows, "columns": ["error (57)", "ECE (57)"], "ways": made}


def test_every_text_is_of_a_required_row_and_holds_no_measured_figure() -> None:
    for key, text in shortfalls.read().items():
        assert key.split()[0] in BY_ROW
        assert text.missing.endswith(".")
        assert not re.search(r"\.\d{3}", f"{text.missing} {text.why}")


def test_a_row_that_falls_short_without_a_text_is_shown_as_unexplained_and_complained_about() -> None:
    short = Figure("write_delete", "anywhere", "as before", 0.5, 12)
    assert "Not explained yet." in shortfalls.section([short, HOLDS], {})
    assert shortfalls.complaints([short, HOLDS], {}) == [
        "no text on why write_delete falls short",
        "write_delete anywhere falls short and 0 ways were measured, not 3",
    ]
    assert shortfalls.section([HOLDS], {}) == []


def test_too_few_ways_of_one_set_are_complained_about_whatever_was_measured_of_another() -> None:
    measured = {"numbers football": table(["new_number football"], 3)}
    assert shortfalls.complaints([SHORT], measured) == []
    assert shortfalls.complaints([SHORT, OTHER], measured) == [
        "new_number bird_strikes falls short and 0 ways were measured, not 3"
    ]
    measured["numbers bird_strikes"] = table(["new_number bird_strikes"], 2)
    assert "2 ways" in shortfalls.complaints([SHORT, OTHER], measured)[0]


def test_the_page_shows_the_ways_of_a_row_only_while_it_falls_short() -> None:
    measured = {"numbers football": table(["new_number football"], 3), "odd": table(["odd_fact anywhere"], 3)}
    lines = shortfalls.section([SHORT, HOLDS], measured)
    assert "| numbers football | error (57) | ECE (57) |" in lines
    assert f"| *{AS_IS}* | 1.200 | 0.040 |" in lines
    assert "| *way 0*: another | 1.100 (-0.100 ± 0.020) | 0.050 (+0.010) |" in lines
    assert not any("| odd |" in line for line in lines)


def test_a_table_of_two_rows_is_shown_once() -> None:
    brier = Figure("new_brier", "football", "Brier", 0.2, 342, baseline=0.1)
    measured = {"answers football": table(["new_number football", "new_brier football"], 3)}
    lines = shortfalls.section([SHORT, brier], measured)
    assert sum(line.startswith("| answers football") for line in lines) == 1
    assert "Ways tried: the table *answers football* above." in lines


def test_every_table_has_three_ways_beside_the_submitted_one() -> None:
    tables = {table for way in WAYS.values() for table in way.tables}
    for name in tables:
        own = [way for way, how in WAYS.items() if name in how.tables]
        assert own[0] == AS_IS
        assert len(own) > shortfalls.LEAST_TRIED
