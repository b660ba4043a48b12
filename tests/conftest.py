"""The order of the tests, on several cores the longest first, and the names of what they get."""

from __future__ import annotations

import gc

import pytest

# Files of much work in few tests. The others fill the cores up while these run.
_LONGEST = (
    "tests/test_quality.py",
    "tests/reliability/",
    "tests/service/test_history.py",
    "tests/cli/",
    "tests/test_tour.py",
    "tests/bench/",
    "tests/rpc/",
    "tests/contract/test_fuzz.py",
    "tests/contract/test_browser.py",
    "tests/contract/test_explorer.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of `_LONGEST` first; the order is otherwise kept."""

    def place(item: pytest.Item) -> int:
        return next((n for n, path in enumerate(_LONGEST) if item.nodeid.startswith(path)), len(_LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what stays to the end: else it looks through all tests and libraries each time."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: packed ones hold the time of packing, and all cores must find the same tests."""
    return argname if isinstance(val, bytes) and len(val) > 64 else None
