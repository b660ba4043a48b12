"""The cues of the mixed protocol: half of stored events, half of new ones, counted exactly."""

from __future__ import annotations

from bench.evaluation.lots import encoded
from bench.evaluation.mixed import KNOWN, mix

ROWS = [{"shop": f"s{n % 3}", "day": f"d{n % 7}", "item": f"i{n % 11}", "size": n % 2} for n in range(120)]


def test_every_second_cue_is_of_a_row_that_is_not_stored() -> None:
    episodes, queries = mix(ROWS, 60, 40)
    assert len(episodes) == 60
    assert [query.is_new for query in queries] == [True, False] * 20
    for query in queries:
        matching = [e for e in episodes if query.cue.items() <= e.items()]
        assert query.exact == len(matching)
        assert KNOWN[0] <= len(query.cue) <= 3
        assert query.ask not in query.cue
        whole = query.cue | {query.ask: query.truth}
        assert query.is_new or any(whole.items() <= e.items() for e in episodes)


def test_a_table_is_encoded_by_its_own_values() -> None:
    table = encoded(ROWS)
    assert sorted(table.codes) == ["day", "item", "shop"]
    row = table.row({"shop": "s2", "size": 1, "day": "another"}, "item")
    assert [None if x != x else x for x in row] == [None, None, 2, 1.0]
