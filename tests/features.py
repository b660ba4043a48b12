"""What the service can do, each with a request and the answer it got: docs/features.md.

`python -m tests.features` writes the page anew; a test makes the answers again and compares what they say.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, process_time
from typing import Any

from recollect.settings import Settings
from tests.handlers.conftest import BOUND_S, JSON, Edge

PAGE = Path(__file__).parent.parent / "docs" / "features.md"
DEMO = Path(__file__).parent.parent / "recollect/demo/episodes.jsonl"
TIMES = 15
BREAKFAST = {"known_fields": {"what": "breakfast", "weather": "rainy"}}
INTRODUCTION = """# What it can do

Each answer was given by the real application to the request above it, from the 120 episodes of the shipped demo
(`python -m tests.features` writes this page; a test asks again). Long answers are cut to what the section
is about. The cost is the median time that the request takes of the processor; it differs from machine to machine.
"""


@dataclass(frozen=True)
class Feature:
    """A capability: what it is for, its request, the members of the answer to show, and its figure."""

    title: str
    told: str
    path: str
    body: Any
    shown: tuple[str, ...]
    figure: str
    measured_by: str
    method: str = "POST"
    space: str = "diary"


FEATURES = (
    Feature(
        "Complete",
        "A part of an episode goes in, the whole comes out; every field with its confidence and its source.",
        "/complete?verbose=true",
        {"partial_episode": BREAKFAST, "targets": ["where", "who"]},
        ("completed_episode", "completion_confidence", "metacognitive_confidence"),
        "the truth is the answer or one of three hypotheses in {hypotheses} of {questions} questions, all sets; "
        "[every figure](evaluation.md)",
        "`make evaluate`",
    ),
    Feature(
        "Why, exactly",
        "`base` and the contributions add up to the log-odds of the answer: Shapley values over completions with every "
        "subset of the cue. The sentence says it in words; no language model is asked.",
        "/complete",
        {"partial_episode": BREAKFAST, "targets": ["who"], "include": ["why"]},
        ("why",),
        "{why}",
        "`python -m bench.evaluation.capabilities --why`",
    ),
    Feature(
        "What would change the answer",
        "The fewest fields of the cue, and the fewest of the episodes behind it, without which the answer would be "
        "another; both were really left out.",
        "/complete",
        {"partial_episode": BREAKFAST, "targets": ["who"], "include": ["counterfactual"]},
        ("why.who.counterfactuals",),
        "every one holds when it is tried",
        "`tests/engine/test_contributions.py`",
    ),
    Feature(
        "Sets with a guarantee",
        "The values that hold the true one of a new event as often as asked for (conformal prediction over the space's "
        "own episodes); of numbers and times an interval. A set may be empty: then more of the events like the stored "
        "ones than asked for are surer than this one, or all are as sure as can be. The first question after a write "
        "takes longer: up to 600 episodes are asked, in half a second from two fields, in seconds from twenty.",
        "/complete",
        {
            "partial_episode": {"known_fields": {"what": "breakfast"}},
            "targets": ["where", "duration_min"],
            "config": {"coverage": 0.9, "ca1_threshold": 0},
        },
        ("sets",),
        "{sets}, [each](#coverage-of-sets-with-a-guarantee)",
        "`python -m bench.evaluation.sets`",
    ),
    Feature(
        "Act, assist, abstain",
        "From which confidence on so many of the answers are right as you name, how many reach it, and what their "
        "accuracy is at least; below it a person is asked, or nobody. It says when it no longer holds. Here of a space "
        "that has learned.",
        "/calibration/threshold?target_accuracy=0.95",
        None,
        (
            "status",
            "n",
            "threshold",
            "share",
            "accuracy",
            "at_least",
            "assist_threshold",
            "assist_share",
            "latest",
        ),
        "{acting}; the bound holds with 95 % (`tests/engine/answer/test_acting.py`)",
        "`python -m bench.evaluation.capabilities`",
        method="GET",
        space="learned",
    ),
    Feature(
        "Ask next",
        "Which fields, once known, would raise a confidence most; beside an answer as in a refusal.",
        "/complete",
        {"partial_episode": BREAKFAST, "targets": ["who"], "include": ["ask_next"]},
        ("ask_next",),
        "expected and realised gain rank alike: Spearman {advice}, football and bird_strikes",
        "`make evaluate`, row [Advice of a 422](evaluation.md)",
    ),
    Feature(
        "Probability of a statement",
        "How probable it is that conditions hold together: one of some values, stored or not, between two, or not.",
        "/probability",
        {
            "partial_episode": {"known_fields": {"what": "breakfast"}},
            "statement": [
                {"field": "where", "one_of": ["kitchen", "balcony"]},
                {"field": "duration_min", "at_least": 20, "at_most": 40},
                {"field": "who", "one_of": ["Jonas"], "negated": True},
            ],
        },
        ("probability", "low", "high", "alone"),
        "{statement}",
        "`python -m bench.evaluation.capabilities`",
    ),
    Feature(
        "Duplicates, contradictions, current values",
        "Which stored episodes tell of one event, with the probability, learned without labels; what they say "
        "differently of it, or of one person or thing, and what the latest of them says. Surfaced, not resolved.",
        "/contradictions?entity=what&field=where&limit=1",
        None,
        ("items",),
        "{twins}",
        "`python -m bench.evaluation.capabilities`",
        method="GET",
    ),
    Feature(
        "Current values",
        "What the latest episode with all that the cue says tells of a field, since when, and what was said before; "
        "`confidence` is how often, in this space, such a value holds until the next. `contradictions` lists them by "
        "person or thing.",
        "/complete",
        {"partial_episode": {"known_fields": {"what": "breakfast"}}, "targets": ["where"], "include": ["current"]},
        ("current",),
        "by a change of address: the value, since when, and the one before",
        "`tests/handlers/test_as_of.py`",
    ),
    Feature(
        "As of another time",
        "Only episodes that were known by one time and had happened by another answer, as if the rest had never been; "
        "what was learned since is left aside. On `complete`, `recall` and `probability`. The first question of a time "
        "takes longer: the space is copied.",
        "/complete",
        {
            "partial_episode": {"known_fields": {"what": "breakfast"}},
            "targets": ["where"],
            "include": ["current"],
            "as_of": {"happened_by": "2026-03-10T00:00:00Z"},
        },
        ("completed_episode", "completion_confidence", "current"),
        "the answer is that of a space that never had the others, byte for byte",
        "`tests/handlers/test_as_of.py`",
    ),
    Feature(
        "Merge with a receipt",
        "Several episodes of one event become one, all or nothing; where they differ, the first, the latest or what "
        "you say holds. The receipt has them as they were: `POST /merge/undo` takes it and puts them back. Here a dry "
        "run.",
        "/merge",
        {"episode_ids": ["ep_demo_0001", "ep_demo_0006"], "prefer": "latest", "dry_run": True},
        ("episode_id", "fields", "differs", "episodes"),
        "taken back, every answer is as before, to six digits",
        "`tests/handlers/test_merging.py`",
    ),
    Feature(
        "Proof of forgetting",
        "An erasure with `proof` gives cues made of what was erased and digests of the answers to them before, after, "
        "and of a twin that never had it; this checks it at any later time. The cues are kept by you, not here.",
        "/forget/proof",
        {"probes": [{"known_fields": {"what": "breakfast"}}, {"known_fields": {"what": "walk"}}], "revision": 0},
        ("is_forgotten", "digest", "twin", "learned_before"),
        "the answers after are the twin's, those before are not",
        "`tests/handlers/test_forgetting.py`",
    ),
    Feature(
        "Fill a table",
        "Every blank cell of a table, many rows as one pass.",
        "/fill",
        {"rows": [{"what": "breakfast", "where": None}, {"what": "lunch", "where": "canteen"}]},
        ("rows", "blank", "filled"),
        "{filling} of football, a fifth of the cells blank, from the command line",
        "`make bench`, row [fill of a file](performance.md)",
    ),
)
COVERAGE = """`python -m bench.evaluation.sets --only NAME` asks for 90 %, of memories of up to 1,000 episodes,
for one field from two others and from all others; every threshold has a memory of its own. *s.e.* is how far the share
may be off by chance, next to it how far were the guarantee exact: by that one line in twenty is 1.5 points off.
*Median size* is a share of all values, or of the range; *ms* the time for one threshold. A line without a threshold
promises nothing: fewer than 20 episodes have the fields."""
LIVE = "against a live server"
TOOLS = (
    ("Three lines of Python, data frames too", "clients/python", f"`tests/contract/test_sdk.py`, {LIVE}"),
    ("Retrievers and a chat history for LangChain and LlamaIndex", "clients/python", f"`make test-adapters`, {LIVE}"),
    ("Three lines of TypeScript", "clients/typescript", f"`tests/contract/test_clients.py`, {LIVE}"),
    ("Clients in five languages, streaming in each", "generated_clients", "`make test-clients`"),
)
ELSEWHERE = "\n".join(
    [
        "## In the tools people hold",
        "",
        "| Capability | Where | Held by |",
        "|---|---|---|",
        *(f"| {what} | [{where}](../{where}/README.md) | {held} |" for what, where, held in TOOLS),
        "| Tools of the Model Context Protocol, function schemas, `llms.txt` | [tools.md](tools.md) | "
        "`tests/contract/test_mcp.py`, with the protocol's own client |",
        "| `flying` finds `travel`: the meaning of words, by a sentence model of yours | [meaning.md](meaning.md) | "
        "`make test-encoder`, on a small model and on MiniLM |",
        "| Accuracy on one's own data, suspect cells | `recollect evaluate`, `recollect audit` | `tests/service` |",
        "",
    ]
)


class Opened:
    """An application whose space `diary` holds the demo's episodes."""

    def __init__(self, data: Path) -> None:
        self._edge = Edge(Settings(data=data, consolidate="manual"))

    def __enter__(self) -> Edge:
        edge = self._edge
        edge.start()
        kind = ("content-type", "application/x-ndjson")
        for name in ("diary", "learned"):
            assert edge.send("PUT", f"/api/v1/spaces/{name}", {}).status == 201
            space = ("x-memory-space", name)
            assert edge.call("POST", "/api/v1/imports", DEMO.read_bytes(), [kind, space]).status == 200
        until = monotonic() + BOUND_S
        while monotonic() < until:
            learned = edge.call("POST", "/api/v1/consolidate", b'{"wait": true}', [JSON, ("x-memory-space", "learned")])
            if learned.json["status"] == "succeeded":
                return edge
        raise AssertionError(learned.body)

    def __exit__(self, *failure: object) -> None:
        self._edge.stop()


def answered(edge: Edge, feature: Feature) -> Any:
    """The answer to a feature's request."""
    headers = [("x-memory-space", feature.space), *([JSON] if feature.body is not None else [])]
    body = b"" if feature.body is None else json.dumps(feature.body).encode()
    reply = edge.call(feature.method, f"/api/v1{feature.path}", body, headers)
    assert reply.status == 200, reply.body
    return reply.json


def cut(document: Any, paths: tuple[str, ...]) -> dict[str, Any]:
    """The members at these paths, by path."""
    found = {}
    for path in paths:
        node = document
        for part in path.split("."):
            node = node[part]
        found[path] = node
    return found


def rounded(node: Any) -> Any:
    """Numbers with four digits: more would only be noise on a page."""
    if isinstance(node, float):
        return round(node, 4)
    if isinstance(node, dict):
        return {name: rounded(each) for name, each in node.items()}
    return [rounded(each) for each in node] if isinstance(node, list) else node


def cost_ms(edge: Edge, feature: Feature) -> float:
    """The median time that a request takes of the processor, edge and engine."""
    times = []
    for _ in range(TIMES):
        begun = process_time()
        answered(edge, feature)
        times.append(process_time() - begun)
    return median(times) * 1e3


def sections(folder: Path) -> Iterator[tuple[Feature, str, float]]:
    """(feature, its section of the page, its cost)."""
    with Opened(folder) as edge:
        for feature in FEATURES:
            shown = rounded(cut(answered(edge, feature), feature.shown))
            yield feature, section(feature, shown), cost_ms(edge, feature)


def section(feature: Feature, shown: dict[str, Any]) -> str:
    """A feature's section of the page."""
    return "\n".join(
        [
            f"## {feature.title}",
            "",
            feature.told,
            "",
            "```http",
            f"{feature.method} /api/v1{feature.path}",
            *([] if feature.body is None else ["", json.dumps(feature.body)]),
            "```",
            "",
            "```json",
            json.dumps(shown, indent=2, ensure_ascii=False),
            "```",
            "",
        ]
    )


def coverage(lines: list[dict[str, Any]]) -> str:
    """How often the sets hold the true value, by data set."""
    columns = list(lines[0])
    cells = ([f"{each:.3f}" if isinstance(each, float) else str(each) for each in line.values()] for line in lines)
    rows = (f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *cells))
    return "\n".join(["## Coverage of sets with a guarantee", "", COVERAGE, "", *rows, ""])


def measured(page: str, row: str, place: int) -> str:
    """A cell of the first row of that name on a page that a benchmark wrote."""
    lines = (PAGE.parent / page).read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"| {row} |")).split("|")[place].strip()


def main() -> None:
    """Write the page; the figures that a benchmark measures stay as the page has them."""
    figures, sets = (
        json.loads((PAGE.parent / "evaluation" / f"{name}.json").read_text("utf-8"))
        for name in ("capabilities", "sets")
    )
    figures |= {
        "sets": sets["sets"],
        "hypotheses": measured("evaluation.md", "Truth within winner + 3 hypotheses", 7),
        "questions": measured("evaluation.md", "Truth within winner + 3 hypotheses", 4),
        "advice": measured("evaluation.md", "Advice of a 422", 7),
        "filling": measured("performance.md", "fill of a file", 4),
    }
    with tempfile.TemporaryDirectory() as folder:
        made = list(sections(Path(folder)))
    rows = [
        f"| [{f.title}](#{f.title.lower().replace(',', '').replace(' ', '-')}) | {f.figure.format(**figures)} | "
        f"{f.measured_by} | {cost:.1f} |"
        for f, _, cost in made
    ]
    table = "\n".join(["| Capability | Figure | Measured by | Cost, ms |", "|---|---|---|---|", *rows])
    PAGE.write_text(
        "\n".join([INTRODUCTION, table, "", *(text for _, text, _ in made), coverage(sets["lines"]), ELSEWHERE]),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
