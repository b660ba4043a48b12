"""An evaluation as one page that needs nothing else: tables in HTML, plots in SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from recollect import __version__
from recollect.cli.console import percent, shown

_SIDE, _MARGIN = 260, 34
_BAR, _GAP, _LABEL = 12, 8, 150
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:68rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.3rem .5rem;text-align:left;border-bottom:1px solid #d8dee4}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}figcaption{font-size:.85rem;
text-align:center}svg{max-width:100%;height:auto}.muted{color:#57606a}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}.muted{color:#8b949e}}
"""
_COLOURS = {"right": "#2f6feb", "neighbours": "#8f9baa", "most frequent": "#c9d1d9"}


def evaluation_page(subject: str, found: Mapping[str, Any]) -> str:
    """The page of one evaluation."""
    overall, fields, target = found["overall"], found["fields"], found["target_accuracy"]
    diagrams = "".join(_reliability(each["field"], each["quality"]) for each in fields if each["quality"]["bins"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Evaluation of {escape(subject)}</title><style>{_STYLE}</style></head><body>
<h1>How well gaps in {escape(subject)} would be filled</h1>
<p>{overall["cases"]:,} cells were held out, one at a time, and filled from the other rows:
<strong>{percent(overall["accuracy"])}</strong> came out right, where the most frequent value reaches
{percent(overall["base_rate"])} and the vote of the ten most similar rows {percent(overall["neighbours_accuracy"])}.
{_kept(overall, target)}</p>
<h2>Right, by field</h2>{_bars(fields)}
<h2>In numbers</h2>{_table(fields, overall, target)}
<h2>Can the confidences be believed?</h2>
<p class="muted">Each dot is a group of answers with like confidence: on the line, they are right as often as they say.
The size of a dot is the number of answers.</p>
<div class="plots">{_reliability("all fields", overall)}{diagrams}</div>
<h2>The surest wrong answers</h2>{_worst(found["worst"])}
<p class="muted">Made by recollect {escape(__version__)}.</p></body></html>
"""


def _kept(overall: Mapping[str, Any], target: float) -> str:
    if overall["accuracy_kept"] is None:
        return f"No threshold keeps only answers of which {target:.0%} are right."
    return (
        f"Above a confidence of {overall['threshold']:.2f}, which {percent(overall['coverage'])} of the answers have, "
        f"{percent(overall['accuracy_kept'])} are right."
    )


def _bars(fields: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy beside two simple ways, a group of bars a field."""
    step = 3 * _BAR + _GAP
    width, height = _LABEL + 520, step * len(fields) + 30
    parts = []
    for place, each in enumerate(fields):
        top, q = place * step, each["quality"]
        parts.append(_text(_LABEL - 8, top + 1.9 * _BAR, each["field"], anchor="end"))
        shares = (q["accuracy"], q["neighbours_accuracy"], q["base_rate"])
        for row, (share, colour) in enumerate(zip(shares, _COLOURS.values(), strict=True)):
            y = top + row * _BAR
            parts.append(f'<rect x="{_LABEL}" y="{y}" width="{440 * share:.1f}" height="{_BAR - 1}" fill="{colour}"/>')
            parts.append(_text(_LABEL + 440 * share + 4, y + 0.8 * _BAR, f"{100 * share:.0f} %", size=9))
    for place, (name, colour) in enumerate(_COLOURS.items()):
        x = _LABEL + 150 * place
        parts.append(f'<rect x="{x}" y="{height - 18}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(x + 14, height - 9, name))
    return _svg(width, height, "Share of held-out cells filled right, by field", parts)


def _reliability(name: str, quality: Mapping[str, Any]) -> str:
    if not quality["bins"]:
        return ""
    inner = _SIDE - 2 * _MARGIN

    def at(x: float, y: float) -> tuple[float, float]:
        return _MARGIN + inner * x, _SIDE - _MARGIN - inner * y

    most = max(each["n"] for each in quality["bins"])
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    frame = f'<rect x="{x0}" y="{y1}" width="{inner}" height="{inner}" fill="none" stroke="#8f9baa"/>'
    parts = [frame, f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#8f9baa" stroke-dasharray="4 4"/>']
    for each in quality["bins"]:
        x, y = at(each["confidence"], each["accuracy"])
        radius = 3 + 4 * (each["n"] / most) ** 0.5
        told = f"{each['n']} answers: said {percent(each['confidence'])}, right {percent(each['accuracy'])}"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#2f6feb" fill-opacity=".75">')
        parts.append(f"<title>{told}</title></circle>")
    parts += [
        _text(x0, y0 + 14, "0"),
        _text(x1, y0 + 14, "1", anchor="end"),
        _text((x0 + x1) / 2, y0 + 26, "confidence", anchor="middle"),
        _text(x0 - 6, y1 + 8, "1", anchor="end"),
        _text(x0 - 6, (y0 + y1) / 2, "right", anchor="end"),
    ]
    error = "" if quality["ece"] is None else f" · ECE {quality['ece']:.3f}"
    drawn = _svg(_SIDE, _SIDE, f"Reliability of {name}", parts)
    return f"<figure>{drawn}<figcaption>{escape(name)} · {quality['cases']:,} cells{error}</figcaption></figure>"


def _table(fields: Sequence[Mapping[str, Any]], overall: Mapping[str, Any], target: float) -> str:
    head = ("field", "type", "cells", "right", "most frequent", "neighbours", "confidence", "ECE", "log-loss",
            "… of base rates", f"kept at {target:.0%}", "threshold")  # fmt: skip
    named = [*((each["field"], each["type"], each["quality"]) for each in fields), ("all", "", overall)]
    rows = [
        [
            name,
            kind,
            f"{q['cases']:,}",
            percent(q["accuracy"]),
            percent(q["base_rate"]),
            percent(q["neighbours_accuracy"]),
            percent(q["mean_confidence"]),
            "" if q["ece"] is None else f"{q['ece']:.3f}",
            f"{q['log_loss']:.2f}",
            f"{q['base_log_loss']:.2f}",
            "none" if q["accuracy_kept"] is None else percent(q["coverage"]),
            "" if q["accuracy_kept"] is None else f"{q['threshold']:.2f}",
        ]
        for name, kind, q in named
    ]
    return _html_table(head, rows, numbers=range(2, len(head)))


def _worst(cases: Sequence[Mapping[str, Any]]) -> str:
    if not cases:
        return "<p>None.</p>"
    rows = [
        [each["episode_id"], each["field"], shown(each["value"]), shown(each["answered"]), percent(each["confidence"])]
        for each in cases
    ]
    return _html_table(("where", "field", "is", "was answered", "confidence"), rows, numbers=(4,))


def _html_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int]) -> str:
    flush = set(numbers)

    def cells(row: Sequence[str], tag: str) -> str:
        kinds = (" class=n" if place in flush else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="currentColor">'
        f"{escape(text)}</text>"
    )
