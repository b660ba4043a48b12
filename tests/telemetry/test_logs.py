"""One line per request, documented, and without what the caller sent."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect import telemetry
from recollect.telemetry import logs
from recollect.telemetry.logs import JSONFormatter, Lines, TextFormatter
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
    telemetry.write_requests()
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


def test_lines_of_requests_are_written_together_as_others_are_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, stream = logging.getLogger("recollect"), io.StringIO()
    handler = Lines(stream)
    handler.setFormatter(JSONFormatter())
    handler.setLevel(logging.INFO)
    monkeypatch.setattr(logger, "handlers", [handler])
    caplog.set_level(logging.DEBUG, "recollect")
    telemetry.write_requests()
    caplog.clear()
    stream.truncate(0)
    for n, level in enumerate((logging.INFO, logging.DEBUG, logging.INFO)):
        telemetry.log_request(
            f"op{n}", 200, 0.0015, code=None, transport="http", request_id=f"r{n}", key_id=None, level=level
        )
    assert stream.getvalue() == ""
    telemetry.write_requests()
    alone = [JSONFormatter().format(record) for record in caplog.records]  # another's handler has them one by one
    assert len(alone) == 3
    assert stream.getvalue().splitlines() == [alone[0], alone[2]]
    telemetry.write_requests()
    assert len(stream.getvalue().splitlines()) == 2, "each is written once"


def test_lines_below_the_level_are_not_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "recollect")
    monkeypatch.setattr(logs, "_waiting", [])
    telemetry.log_request("op", 200, 0.0015, code=None, transport="http", request_id="r", key_id=None)
    assert logs._waiting == []
    caplog.set_level(logging.INFO, "recollect")
    for _ in range(logs.MOST_WAITING):  # and where nobody writes them, they write themselves
        telemetry.log_request("op", 200, 0.0015, code=None, transport="http", request_id="r", key_id=None)
    assert logs._waiting == []
    assert len(caplog.records) == logs.MOST_WAITING
