"""What the documents show is what a newcomer gets."""

import json
import re
from collections.abc import Iterator

import pytest

from tests import tour
from tests.cli.conftest import Served, start, stop

_CHANGING = re.compile(r"[0-9a-f]{12,}|[0-9][0-9.,]*")
_SHARE = re.compile(r"([0-9.]+) ?%")
POINTS = 1.0  # by which a share may differ from the one shown


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("tour"))
    yield served
    stop(served)


def shape(output: str) -> object:
    """What stays the same from run to run: the words of each line; of JSON the members, and what is no number."""
    try:
        document = json.loads(output)
    except ValueError:
        return [re.findall(r"[^\W\d]{2,}", _CHANGING.sub("", line)) for line in output.splitlines()]
    return members(document)


def members(value: object) -> object:
    if isinstance(value, dict):
        return {name: members(each) for name, each in value.items()}
    if isinstance(value, list):
        return [members(each) for each in value]
    return _CHANGING.sub("", value) if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize("path", tour.DOCUMENTS, ids=lambda path: path.name)
def test_every_shown_command_gives_what_is_shown(path: "tour.Path", served: Served) -> None:
    shown = list(tour.steps(path.read_text(encoding="utf-8")))
    assert shown
    with tour.workplace(path) as folder:
        for step in shown:
            printed = tour.run(step, served, folder)
            assert shape(printed) == shape(step.output), step.command
            shares = [[float(share) for share in _SHARE.findall(each)] for each in (printed, step.output)]
            assert shares[0] == pytest.approx(shares[1], abs=POINTS), step.command
