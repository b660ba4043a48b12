"""One line per request, documented, and without what the caller sent."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.telemetry.logs import JSONFormatter, TextFormatter
from tests.handlers.conftest import JSON, Edge, run

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "logs.md").read_text("utf-8")
BODY = b'{"partial_episode": {"known_fields": {"what": "unheard-of secret"}}}'


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    yield from run(tmp_path_factory.mktemp("logs"))


def test_a_request_is_one_line_with_the_documented_members(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "recollect")
    headers = [JSON, ("x-memory-space", "nowhere"), ("x-request-id", "my-id-1")]
    assert edge.call("POST", "/api/v1/complete", BODY, headers).status == 404
    (record,) = [each for each in caplog.records if getattr(each, "facts", {}).get("request_id") == "my-id-1"]
    line = json.loads(JSONFormatter().format(record))
    documented = set(re.findall(r"^\| `(\w+)`(?:, `\w+`)? \|", PAGE, re.MULTILINE))
    assert set(line) <= documented
    assert (line["event"], line["status"], line["code"]) == ("request", 404, "SPACE_NOT_FOUND")
    text = TextFormatter().format(record)
    assert "404" in text
    assert "my-id-1" in text
    for written in (json.dumps(line), text):
        assert "secret" not in written
        assert "nowhere" not in written


def test_every_event_is_documented() -> None:
    told = set()
    for path in [*ROOT.glob("recollect/**/*.py"), *ROOT.glob("handlers/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "telemetry.log" and node.args:
                told.add(ast.literal_eval(node.args[0]))
    assert told
    assert not [event for event in told if f"`{event}`" not in PAGE]
