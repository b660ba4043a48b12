"""The page of responses shows what the application answers, for every status the contract names."""

import re
from pathlib import Path

from tests import responses

STATUSES = [200, 201, 204, 304, 422, 400, 404, 405, 406, 409, 412, 413, 415, 431, 504, 401, 403, 429, 500, 503]


def test_the_page_shows_the_answer_of_every_status(tmp_path: Path) -> None:
    page = responses.PAGE.read_text(encoding="utf-8")
    made = list(responses.exchanges(tmp_path))
    assert [exchange.answer.status for exchange in made] == STATUSES
    sections = page.split("\n## ")[1:]
    assert len(sections) == len(made)
    for section, exchange in zip(sections, made, strict=True):
        today = responses.written(exchange).removeprefix("## ")
        assert section.splitlines()[0] == today.splitlines()[0]
        assert exchange.request in section
        assert _words(section) == _words(today)


def _words(section: str) -> list[str]:
    """The members and codes of a section's JSON, which do not change from run to run."""
    return re.findall(r'"([a-z_]+)":|"code": "([A-Z_]+)"', section) and sorted(
        set(re.findall(r'"[a-z_0-9]+":', section)) | set(re.findall(r'"code": "[A-Z_]+"', section))
    )
