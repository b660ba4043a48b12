"""Wrong cells are found without labels, and right ones are left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import Suspect, Traces, alike, attach, audit
from engine.memory.values import Value

CITIES = {"birmingham": "al", "montgomery": "al", "anchorage": "ak", "juneau": "ak", "phoenix": "az", "tucson": "az"}
OWNERS = ["voluntary", "government", "proprietary"]


def hospitals(size: int, seed: int) -> list[dict[str, Value]]:
    """Rows whose hospital tells its city, state, phone and owner; a score is nobody's."""
    rng = np.random.default_rng(seed)
    known = [
        (f"hospital {rng.integers(100, 999)}", city, f"{rng.integers(10**9, 10**10 - 1)}", OWNERS[n % 3])
        for n, city in enumerate([*CITIES, *CITIES])
    ]
    rows: list[dict[str, Value]] = []
    for _ in range(size):
        name, city, phone, owner = known[rng.integers(len(known))]
        row = {"name": name, "city": city, "state": CITIES[city], "phone": phone, "owner": owner}
        rows.append({**row, "score": int(rng.integers(100)), "by": f"clerk {rng.integers(3)}"})
    return rows


def spoilt(
    rows: list[dict[str, Value]], share: float, seed: int
) -> tuple[list[dict[str, Value]], set[tuple[int, str]]]:
    """The rows with typing errors, most of them by clerk 0."""
    rng, wrong = np.random.default_rng(seed), set()
    rows = [dict(row) for row in rows]
    for place, row in enumerate(rows):
        for name in ("city", "phone", "owner", "name"):
            if rng.random() < share * (2.5 if row["by"] == "clerk 0" else 0.25):
                text = list(str(row[name]))
                at = int(rng.integers(len(text)))
                text[at] = str(rng.choice([letter for letter in "abcdefgh12345" if letter != text[at]]))
                row[name] = "".join(text)
                wrong.add((place, name))
    return rows, wrong


def memory(rows: list[dict[str, Value]]) -> Traces:
    traces = Traces()
    for row in rows:
        traces.append(row, math.nan, None)
    return traces


def auroc(chances: dict[tuple[int, str], float], wrong: set[tuple[int, str]]) -> float:
    of_wrong = np.array([chance for cell, chance in chances.items() if cell in wrong])
    of_right = np.array([chance for cell, chance in chances.items() if cell not in wrong])
    return float(((of_wrong[:, None] > of_right) + 0.5 * (of_wrong[:, None] == of_right)).mean())


def test_typing_errors_are_found_and_put_right() -> None:
    clean = hospitals(400, 1)
    rows, wrong = spoilt(clean, 0.03, 2)
    traces = memory(rows)
    found = audit(traces, attach(traces), source_field="by")
    assert auroc(dict(found.chances), wrong) > 0.99
    right = [s for s in found.suspects if s.proposed == clean[s.row][s.field] and (s.row, s.field) in wrong]
    assert len(right) >= 0.9 * len(found.suspects)
    assert len(right) >= 0.85 * len(wrong)
    assert all(suspect.kind == "typo" for suspect in right)
    for suspect in found.suspects:
        assert 0.5 < suspect.chance <= 1
        assert all(rows[row][suspect.field] == suspect.proposed for row, _ in suspect.support)


def test_a_source_that_errs_more_is_told() -> None:
    rows, wrong = spoilt(hospitals(400, 3), 0.05, 4)
    traces = memory(rows)
    rates = audit(traces, attach(traces), source_field="by").source_rates
    planted = {
        source: np.mean(
            [(place, name) in wrong for place, row in enumerate(rows) if row["by"] == source for name in row]
        )
        for source in rates
    }
    assert max(rates, key=lambda source: rates[source][1]) == max(planted, key=planted.__getitem__) == "clerk 0"
    assert rates["clerk 0"][1] > 3 * rates["clerk 1"][1]


@pytest.mark.parametrize("seed", range(3))
def test_of_a_clean_table_hardly_a_cell_is_accused(seed: int) -> None:
    traces = memory(hospitals(300, seed))
    found = audit(traces, attach(traces))
    assert len(found.suspects) <= 0.01 * found.cells


def test_only_the_fields_that_were_named_are_looked_at() -> None:
    rows, _ = spoilt(hospitals(200, 5), 0.05, 6)
    traces, heard = memory(rows), []
    found = audit(traces, attach(traces), fields=("city",), report=heard.append)
    assert {field for _, field in found.chances} == {"city"}
    assert found.cells == 200
    assert heard[-1] == 1.0


def test_a_swapped_value_is_of_another_field() -> None:
    rows = hospitals(300, 7)
    rows[5]["city"], rows[5]["state"] = rows[5]["state"], rows[5]["city"]
    traces = memory(rows)
    found = {(s.row, s.field): s for s in audit(traces, attach(traces)).suspects}
    assert found[5, "city"].kind == found[5, "state"].kind == "elsewhere"
    assert found[5, "city"].proposed == rows[5]["state"]


def test_episodes_that_say_the_same_are_grouped() -> None:
    rows = hospitals(20, 8)
    for place, row in enumerate(rows):
        row["no"] = place
    rows[7] = dict(rows[3])
    rows[9] = {**rows[4], "owner": "nobody"}
    groups = alike(memory(rows), 100)
    assert groups[0] == ((3, 7), None)
    assert ((4, 9), "owner") in groups
    assert alike(memory(rows[:1]), 100) == []


def test_a_value_of_another_row_is_likelier_wrong_than_the_right_ones() -> None:
    rng, rows = np.random.default_rng(8), hospitals(600, 8)
    wrong: dict[tuple[int, str], Value] = {}
    for place in rng.choice(len(rows), 20, replace=False).tolist():
        name = str(rng.choice(["phone", "city"]))
        others = sorted({str(row[name]) for row in rows} - {str(rows[place][name])})
        wrong[place, name] = rows[place][name]
        rows[place][name] = str(rng.choice(others))
    traces = memory(rows)
    found = audit(traces, attach(traces))
    assert auroc(dict(found.chances), set(wrong)) > 0.95
    assert len({(each.row, each.field) for each in found.suspects} - wrong.keys()) <= 0.01 * found.cells


def _measured(size: int, seed: int) -> list[dict[str, Value]]:
    """Rows whose price hangs on their size, with a code and a mark that are written in one form."""
    rng = np.random.default_rng(seed)
    return [
        {
            "size": (of := int(rng.integers(1, 13))),
            "district": f"district {rng.integers(8)}",
            "price": round(30 * of + float(rng.normal(0, 10)), 2),
            "code": f"{rng.integers(10**6, 10**7)}",
            "city": str(rng.choice(list(CITIES))).title(),
        }
        for _ in range(size)
    ]


def _audited(rows: list[dict[str, Value]]) -> dict[tuple[int, str], Suspect]:
    traces = memory(rows)
    return {(each.row, each.field): each for each in audit(traces, attach(traces), markers=("n/a", "-")).suspects}


def test_other_capitals_are_found_and_put_right() -> None:
    rows = _measured(300, 1)
    right = {(place, "city"): rows[place]["city"] for place in range(0, 30, 3)}
    for place, name in right:
        rows[place][name] = str(rows[place][name]).upper()
    found = _audited(rows)
    assert {cell: found[cell].proposed for cell in right} == right


def test_a_number_in_another_unit_is_found_and_put_right() -> None:
    rows = _measured(300, 2)
    right = {(place, "price"): rows[place]["price"] for place in range(0, 30, 3)}
    for at, (place, name) in enumerate(right):
        rows[place][name] = round(float(str(rows[place][name])) * (100.0, 0.01)[at % 2], 4)
    found = _audited(rows)
    assert {cell: found[cell].proposed for cell in right if cell in found} == right


@pytest.mark.parametrize("step", [1, -1])
def test_values_that_stand_one_column_too_far_are_found_and_moved_back(step: int) -> None:
    rows = _measured(300, 3)
    names, wrong, right = list(rows[0]), set(), {}
    for place in range(0, 24, 3):
        row, begin = rows[place], place % 2
        moved = names[begin:] if step == 1 else names[begin:-1]
        rows[place] = {name: row[name] for name in names[:begin]}
        for name in moved:
            at = names.index(name) - step
            if begin <= at < len(names):
                rows[place][name] = row[names[at]]
                wrong.add((place, name))
                right[place, name] = row[name]
    found = _audited(rows)
    assert wrong <= found.keys()
    assert all(found[cell].kind == "elsewhere" for cell in wrong)
    assert sum(found[cell].proposed == value for cell, value in right.items()) >= 0.5 * len(right)


def test_a_word_that_says_that_nothing_is_known_is_no_value() -> None:
    rows = _measured(300, 4)
    for place in range(0, 20, 2):
        rows[place]["district" if place % 4 else "city"] = ("n/a", "-")[place % 3 % 2]
    found = _audited(rows)
    assert {(place, "district" if place % 4 else "city") for place in range(0, 20, 2)} <= found.keys()


def test_a_value_of_a_form_that_no_other_has_is_the_likeliest_to_be_wrong() -> None:
    rows = _measured(300, 5)
    rows[7]["code"], rows[9]["size"] = "12a4567", "twelve"
    traces = memory(rows)
    found = audit(traces, attach(traces))
    for cell in ((7, "code"), (9, "size")):
        assert max((chance, each) for each, chance in found.chances.items() if each[1] == cell[1])[1] == cell
    assert {(each.row, each.field) for each in found.suspects} >= {(9, "size")}
    assert len(found.suspects) <= 0.01 * found.cells
