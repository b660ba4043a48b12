"""The answers that the contract shows are those that the demo gives, shortened and rounded.

Requests and the answers shown for them stand apart in an OpenAPI document; here they are put
together. Where the engine has come to answer otherwise, the failure names each place and what is
given there now: that goes into openapi.yaml.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.conformance import contract
from tests.contract.server import Server, serving

EXAMPLES = contract().document["components"]["examples"]
ANSWERS = [
    ("/complete", "CompleteMinimal", "CompletedCore"),
    ("/complete?verbose=true", "CompleteMinimal", "CompletedVerbose"),
    ("/complete", "CompleteAmbiguous", "ProblemAmbiguousCue"),
    ("/complete", "CompleteWeak", "ProblemBelowThreshold"),
    ("/complete/batch", "BatchOfTwo", "BatchOneFailed"),
    ("/recall", "RecallWalks", "RecalledWalks"),
    ("/spaces", None, "SpacesOne"),
    ("/spaces/demo", None, "DemoSpace"),
    ("/spaces/demo/stats", None, "DemoStats"),
    ("/limits", None, "DefaultLimits"),
    ("/version", None, "FirstVersion"),
    ("/whoami", None, "AnonymousCaller"),
]
# Made anew for every answer, or for every installation.
MADE_UP = {"incarnation", "completion_id", "request_id", "timings_ms", "created_at", "updated_at"}
# How far a number may be from the one shown before the document is out of date.
TOLERANCE = 0.005
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("examples")) as served:
        yield served


def ask(server: Server, path: str, body: Any) -> httpx.Response:
    method = "GET" if body is None else "POST"
    return httpx.request(method, server.api + path, json=body, headers={"X-Memory-Space": "demo"}, timeout=60)


@pytest.mark.parametrize(("path", "asked", "shown"), ANSWERS, ids=[shown for *_, shown in ANSWERS])
def test_the_demo_gives_the_answer_that_is_shown(path: str, asked: str | None, shown: str, server: Server) -> None:
    given = ask(server, path, asked and EXAMPLES[asked]["value"]).json()
    assert list(differences(EXAMPLES[shown]["value"], given)) == []


def test_the_demo_gives_the_events_that_are_shown(server: Server) -> None:
    asked = EXAMPLES["BatchOfTwo"]["value"]["items"][0]
    given = events(ask(server, "/complete/stream", asked).text)
    assert list(differences(events(EXAMPLES["StreamedCompletion"]["value"]), given)) == []


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream, each under its name."""
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    return [{name: json.loads(data)} for name, data in found]


def differences(shown: Any, given: Any, at: str = "") -> Iterator[str]:
    """Where an answer is not as shown. Members and items may be left out of what is shown, but none added."""
    if isinstance(shown, dict) and isinstance(given, dict):
        for name, value in shown.items():
            if name not in given:
                yield f"{at}/{name}: not given"
            elif name not in MADE_UP:
                yield from differences(value, given[name], f"{at}/{name}")
    elif isinstance(shown, list) and isinstance(given, list):
        yield from _items(shown, given, at)
    elif is_number(shown) and is_number(given):
        if not math.isclose(shown, given, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{at}: {given} is given"
    elif isinstance(shown, str) and isinstance(given, str):
        numbers = zip(NUMBER.findall(shown), NUMBER.findall(given), strict=False)
        are_close = all(abs(float(one) - float(other)) <= 2 * TOLERANCE for one, other in numbers)
        if shown != given and (NUMBER.sub("#", shown) != NUMBER.sub("#", given) or not are_close):
            yield f"{at}: {given!r} is given"
    elif shown != given:
        yield f"{at}: {given!r} is given"


def _items(shown: list[Any], given: list[Any], at: str) -> Iterator[str]:
    """Each item that is shown is given, in the order shown."""
    rest = iter(given)
    for index, item in enumerate(shown):
        if not any(not list(differences(item, each)) for each in rest):
            nearest = list(differences(item, given[min(index, len(given) - 1)], f"{at}/{index}")) if given else []
            yield from nearest or [f"{at}/{index}: not given, or not in this order"]
            return


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)
