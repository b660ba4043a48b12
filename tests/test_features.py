"""The page of features shows what the application answers."""

from __future__ import annotations

import re
from pathlib import Path

from tests import features


def test_every_feature_of_the_page_is_asked_for_and_answered_as_shown(tmp_path: Path) -> None:
    shown = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", features.PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    with features.Opened(tmp_path) as edge:
        for feature in features.FEATURES:
            answer = features.rounded(features.cut(features.answered(edge, feature), feature.shown))
            today = features.section(feature, answer)
            assert _told(shown[feature.title]) == _told(today), f"{feature.title}: `python -m tests.features`"


def _told(section: str) -> tuple[list[str], set[str]]:
    """A section's request, and the members of its answer; how sure the engine is may change with it."""
    requests = re.findall(r"^(?:POST|GET) .*$|^\{\"partial.*$|^\{\"(?:rows|probes).*$", section, re.MULTILINE)
    return requests, set(re.findall(r'^ *"(\w+)":', section, re.MULTILINE)) - {"without_fields", "without_episodes"}
