"""What the documents show is what a newcomer gets."""

import json
import re
from collections.abc import Iterator

import pytest

from tests import tour
from tests.cli.conftest import Served, start, stop

_CHANGING = re.compile(r"[0-9][0-9.,]*|[0-9a-f]{12,}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("tour"))
    yield served
    stop(served)


def shape(output: str) -> object:
    """What stays the same from run to run: the keys of JSON, the words of a text."""
    try:
        document = json.loads(output)
    except ValueError:
        return sorted(set(re.findall(r"[a-z_]{4,}", _CHANGING.sub("", output))))
    return keys(document)


def keys(value: object) -> object:
    return {name: keys(each) for name, each in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize("path", tour.DOCUMENTS, ids=lambda path: path.name)
def test_every_shown_command_gives_what_is_shown(path: "tour.Path", served: Served) -> None:
    shown = list(tour.steps(path.read_text(encoding="utf-8")))
    assert shown
    with tour.workplace(path) as folder:
        for step in shown:
            assert shape(tour.run(step, served, folder)) == shape(step.output), step.command
