"""The rules that both edges read are the contract's: each is found in openapi.yaml as it is written in the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from recollect.service import admission, rules

ROOT = Path(__file__).parents[2]
SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))["components"]
PATTERNS = {
    "SPACE_ID": SCHEMAS["schemas"]["SpaceId"],
    "EPISODE_ID": SCHEMAS["schemas"]["EpisodeId"],
    "COMPLETION_ID": SCHEMAS["schemas"]["CompletionId"],
    "CURSOR": SCHEMAS["schemas"]["Cursor"],
    "IDEMPOTENCY_KEY": SCHEMAS["parameters"]["IdempotencyKey"]["schema"],
}
PROBES = [
    *("a", "A", "0", "_", "-", ".", ":", "@", "~", "!", " ", "é", "\n", "\x00", "a\n", "a b", "a/b", "a-b_c.d:e@f"),
    *("cmp_" + "a" * length for length in (0, 1, 60, 61)),
    *("a" * length for length in (0, 1, 62, 63, 64, 65, 127, 128, 129, 511, 512, 513)),
]


def allows(schema: dict[str, Any], text: str) -> bool:
    """Whether a schema takes a text."""
    is_long_enough = schema.get("minLength", 0) <= len(text) <= schema["maxLength"]
    return is_long_enough and re.search(schema["pattern"].replace("$", r"\Z"), text) is not None


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_what_the_contract_takes(name: str) -> None:
    rule: re.Pattern[str] = getattr(rules, name)
    for text in PROBES:
        assert (rule.fullmatch(text) is not None) == allows(PATTERNS[name], text), repr(text)


def member(*path: str) -> dict[str, Any]:
    node: Any = SCHEMAS["schemas"]
    for step in path:
        node = node[step]
    found: dict[str, Any] = node
    return found


CONFIG = ("CompletionConfig", "properties")
NUMBERS = {
    "MAX_CONDITIONS": (
        rules.MAX_CONDITIONS,
        lambda: member("ProbabilityRequest", "properties", "statement")["maxItems"],
    ),
    "MAX_PROBES": (
        rules.MAX_PROBES,
        lambda: member("ProveForgettingRequest", "properties", "probes")["maxItems"],
    ),
    "LEAST_MERGED": (rules.LEAST_MERGED, lambda: member("MergeRequest", "properties", "episode_ids")["minItems"]),
    "MOST_MERGED": (rules.MOST_MERGED, lambda: member("MergeRequest", "properties", "episode_ids")["maxItems"]),
    "MAX_ONE_OF": (rules.MAX_ONE_OF, lambda: member("StatedCondition", "properties", "one_of")["maxItems"]),
    "MAX_HYPOTHESES": (rules.MAX_HYPOTHESES, lambda: member(*CONFIG, "num_hypotheses")["maximum"]),
    "MAX_ITERATIONS": (rules.MAX_ITERATIONS, lambda: member(*CONFIG, "max_iterations")["maximum"]),
    "LEAST_COVERAGE": (rules.LEAST_COVERAGE, lambda: member(*CONFIG, "coverage")["minimum"]),
    "MOST_COVERAGE": (rules.MOST_COVERAGE, lambda: member(*CONFIG, "coverage")["maximum"]),
    "MAX_BATCH_ITEMS": (
        rules.MAX_BATCH_ITEMS,
        lambda: member("CompleteBatchRequest", "properties", "items")["maxItems"],
    ),
    "MAX_IMPORT_ITEMS": (rules.MAX_IMPORT_ITEMS, lambda: member("ImportRequest", "properties", "items")["maxItems"]),
    "MAX_RECALL_ITEMS": (rules.MAX_RECALL_ITEMS, lambda: member("RecallRequest", "properties", "limit")["maximum"]),
    "MAX_PAGE_ITEMS": (rules.MAX_PAGE_ITEMS, lambda: SCHEMAS["parameters"]["Limit"]["schema"]["maximum"]),
    "LEAST_CASES": (rules.LEAST_CASES, lambda: member("EvaluateRequest", "properties", "cases")["minimum"]),
    "MOST_CASES": (rules.MOST_CASES, lambda: member("EvaluateRequest", "properties", "cases")["maximum"]),
    "MAX_NAME_LENGTH": (admission.MAX_NAME_LENGTH, lambda: member("FieldName")["maxLength"]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_limit_is_the_contract_s(name: str) -> None:
    written, contracted = NUMBERS[name]
    assert written == contracted()
