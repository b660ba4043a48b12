"""What the ablations showed, as tables and a sentence for each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.evaluation.shortfalls import ways_table

Json = dict[str, Any]
SURE, LEAST = 2.0, 0.002  # standard errors, and nats or shares, from which a difference counts
# (measure, how it is told, whether more of it is better, factor)
MEASURES = (
    ("stored right", "stored values right", True, 100.0),
    ("stored whole", "stored events wholly right", True, 100.0),
    ("stored loss", "log-loss of stored values", False, 1.0),
    ("stored brier", "Brier of stored values", False, 1.0),
    ("clean right", "values of undamaged cues right", True, 100.0),
    ("clean loss", "log-loss of undamaged cues", False, 1.0),
    ("new right", "new values right", True, 100.0),
    ("new loss", "log-loss of new values", False, 1.0),
    ("new brier", "Brier of new values", False, 1.0),
    ("stored match loss", "log-loss of the match of stored events", False, 1.0),
    ("new match loss", "log-loss of the match of new events", False, 1.0),
)
COLUMNS = (
    "| without | damaged: right | whole | log-loss | ECE | clean: right | log-loss | new: right | log-loss | ECE "
    "| match: AUROC | log-loss |"
)
RULE = "|---|" + "---:|" * 11


def sections(results: Mapping[str, Json]) -> list[str]:
    """The part of the page about what each part is worth."""
    raw = results.get("ablations", {}).get("raw", {})
    relations = results.get("inverses", {}).get("raw", {})
    tables = measured_parts(results)
    if not raw and not relations and not tables and "hypotheses" not in results:
        return []
    return [
        "## What each part is worth",
        "",
        *_records(raw),
        *_speed(raw),
        *_attractor(raw),
        *_relations(relations),
        *tables,
        *_hypotheses(results.get("hypotheses", {}).get("raw", {})),
    ]


def measured_parts(results: Mapping[str, Json]) -> list[str]:
    """The tables of the protocols that judge one part each."""
    return [line for found in results.values() for table in found["raw"].get("tables", ()) for line in _table(table)]


def _hypotheses(raw: Json) -> list[str]:
    lines = [line for name, table in raw.items() for line in ways_table(name, table)]
    head = "Whether the winner or one of three hypotheses is true, of stored events by half of their fields."
    return ["### What the choice of the hypotheses is worth", "", head, "", *lines] if lines else []


def _table(table: Json) -> list[str]:
    """A table as its protocol made it; numbers to three digits."""
    columns = table["columns"]
    lines = [f"### {table['title']}", "", table["told"], "", "| " + " | ".join(columns) + " |"]
    lines.append("|---|" + "---:|" * (len(columns) - 1))
    rows = [[x if isinstance(x, str) else f"{x:.3f}" for x in line] for line in table["lines"]]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _records(raw: Json) -> list[str]:
    if not raw:
        return []
    lines = [
        "Stored events by half of their fields, each wrong with a chance of 10 % (damaged), or by 30 % of them",
        "as they are (clean); new events by half of their fields.", "",
    ]  # fmt: skip
    for name in dict.fromkeys(key.partition(": ")[0] for key in raw if ": " in key):
        lines += [f"### {name}", "", COLUMNS, RULE]
        lines += [_row(key.partition(": ")[2], found) for key, found in raw.items() if key.startswith(f"{name}: ")]
        lines.append("")
    first = next(name.partition(": ")[0] for name in raw if ": " in name)
    lines += [
        "What changes without a part, both sets together, where it is more than two standard errors and .002:",
        "",
    ]
    for part, changes in raw["worth"].items():
        if part != "attractor":
            how = raw[f"{first}: {part}"]
            against = "" if how["against"] == "nothing" else f", against *{how['against']}*"
            lines.append(f"- *{part}*: {how['instead']}{against}. {_told(changes)}")
    return [*lines, ""]


def _row(part: str, found: Json) -> str:
    m = found["means"]
    match = (m["stored match loss"] + m["new match loss"]) / 2.0
    cells = [m["stored right"], m["stored whole"], m["stored loss"], found["stored"]["ece"], m["clean right"]]
    cells += [m["clean loss"], m["new right"], m["new loss"], found["new"]["ece"], found["match"], match]
    return f"| {part} | " + " | ".join(f"{x:.3f}" for x in cells) + " |"


def _told(changes: Json) -> str:
    worse, better = [], []
    for measure, name, is_more_better, factor in MEASURES:
        change, error = changes[measure]
        if abs(change) > max(LEAST, SURE * error):
            unit = " points" if factor > 1.0 else "" if "Brier" in name else " nats"
            digits = 1 if factor > 1.0 else 3
            text = f"{name} {change * factor:+.{digits}f} ± {error * factor:.{digits}f}{unit}"
            (worse if (change < 0) == is_more_better else better).append(text)
    told = f"Worse: {', '.join(worse)}" if worse else "Nothing gets worse"
    return f"{told}; better: {', '.join(better)}." if better else f"{told}."


def _attractor(raw: Json) -> list[str]:
    """Whole events: the likeliest values one by one, and the likeliest event before and after the attractor."""
    if not raw:
        return []
    lines = [
        "The attractor, judged by whole stored events, damaged cues and clean ones: the likeliest value of each",
        "field by itself, the likeliest whole event before it has settled, and after.", "",
        "| data | field by field | before settling | after |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    for key, found in raw.items():
        if key.endswith(": nothing"):
            m = found["means"]
            cells = ((m[f"stored {way}"] + m[f"clean {way}"]) / 2.0 for way in ("whole", "record", "settled"))
            lines.append(f"| {key.partition(': ')[0]} | " + " | ".join(f"{x:.3f}" for x in cells) + " |")
    (one, e1), (two, e2) = (raw["worth"]["attractor"][key] for key in ("whole", "settled"))
    lines += [
        "", f"Against the whole event before settling: field by field {100 * one:+.1f} ± {100 * e1:.1f} points, "
        f"after settling {100 * two:+.1f} ± {100 * e2:.1f}.",
    ]  # fmt: skip
    return [*lines, ""]


def _speed(raw: Json) -> list[str]:
    lines = [
        f"- *{part}*, in a large space: {with_it:.1f} ms of CPU for a completion, {without:.1f} without."
        for part, (with_it, without) in raw.get("speed", {}).items()
    ]
    return [*lines, ""] if lines else []


def _relations(raw: Json) -> list[str]:
    if not raw:
        return []
    n = next(iter(raw.values()))["n"]
    lines = [
        f"Relations: the newest events of icews14, learned anew without the part, {n} queries.", "",
        "| without | MRR | Hits@10 | change of MRR |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    for part, found in raw.items():
        change, error = found["change"]
        told = f"{change:+.3f} ± {error:.3f}" if error else ""
        lines.append(f"| {part} | {found['mrr']:.3f} | {found['hits@10']:.3f} | {told} |")
    return [*lines, ""]
