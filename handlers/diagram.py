"""The reliability diagram as an SVG document: what was answered with a confidence, and how often it was right.

Drawn by hand, so that serving it needs no plotting library. It reads without colour (points,
bars and lines differ in shape), follows the reader's light or dark scheme, and says in its
description what it shows.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

from recollect.model import Calibration, CalibrationBin

SVG = "image/svg+xml"
WIDTH, HEIGHT = 640, 720
LEFT, TOP, SIDE = 84, 104, 500  # the square in which confidence meets accuracy
STRIP_TOP, STRIP_HEIGHT = 618, 48  # the counts by confidence, below it
CONFIDENT_95 = 1.96
LONGEST_ABOUT = 60

# Plain rules first: many viewers know neither variables nor media queries.
_STYLE = """
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1b2733}
.title{font-size:21px;font-weight:600}.figures{font-size:14px}.tick{font-size:12px}.axis{font-size:13px}
.figures,.tick{fill:#5a6875}.paper{fill:#fff}.grid{stroke:#e3e8ec}
.ideal{stroke:#8a97a3;stroke-width:1.5;stroke-dasharray:5 5}
.gap{fill:#0b6e99;opacity:.13}.curve{fill:none;stroke:#0b6e99;stroke-width:2;stroke-linejoin:round}
.error{stroke:#0b6e99;stroke-width:1.5;opacity:.55}.point{fill:#0b6e99;stroke:#fff;stroke-width:1.5}
.count{fill:#0b6e99;opacity:.45}
@media (prefers-color-scheme:dark){text{fill:#e8edf1}.figures,.tick{fill:#a3afba}.paper{fill:#12181f}
.grid{stroke:#27313b}.ideal{stroke:#6d7a86}.gap,.count{fill:#5ec1ec}.curve,.error{stroke:#5ec1ec}
.point{fill:#5ec1ec;stroke:#12181f}}
"""


def reliability_diagram(found: Calibration, about: str = "") -> bytes:
    """The diagram of a calibration; `about` names the field and source it is confined to."""
    about = about if len(about) <= LONGEST_ABOUT else about[: LONGEST_ABOUT - 1] + "…"
    title = "Reliability" + (f" · {about}" if about else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img" aria-labelledby="title description">',
        f'<title id="title">{html.escape(title)}</title>',
        f'<desc id="description">{html.escape(_describe(found))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 40, title, "title"),
        _text(LEFT, 66, _figures(found), "figures"),
        *_frame(),
        *(_curve(found) if found.is_fitted else _nothing()),
        "</svg>",
    ]
    return "\n".join(parts).encode()


def _describe(found: Calibration) -> str:
    """The diagram in words, for those who do not see it."""
    if not found.is_fitted:
        return f"There are only {found.n} answers yet, too few to measure by."
    bins = "; ".join(f"{b.confidence:.0%} confident, {b.accuracy:.0%} right" for b in found.bins)
    return (
        f"Of {found.n} answers, in {len(found.bins)} groups of similar confidence: {bins}. "
        f"The expected calibration error is {found.ece:.3f}, the Brier score {found.brier:.3f}."
    )


def _figures(found: Calibration) -> str:
    heard = f", {found.feedback:,} of them from feedback" if found.feedback else ""
    numbers = f"{found.n:,} answers{heard}"
    if found.ece is None or found.brier is None:
        return numbers
    return f"ECE {found.ece:.3f}  ·  Brier {found.brier:.3f}  ·  {numbers}"


def _frame() -> Iterator[str]:
    """Grid, ticks, names of the axes and the diagonal on which confidence is accuracy."""
    for step in range(0, 11, 2):
        share, label = step / 10, f"{10 * step} %"
        yield f'<line class="grid" x1="{_x(share)}" x2="{_x(share)}" y1="{TOP}" y2="{TOP + SIDE}"/>'
        yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + SIDE}" y1="{_y(share)}" y2="{_y(share)}"/>'
        yield _text(LEFT - 10, _y(share) + 4, label, "tick", "end")
        yield _text(_x(share), STRIP_TOP + STRIP_HEIGHT + 18, label, "tick", "middle")
    yield f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    yield _text(LEFT + SIDE / 2, HEIGHT - 14, "confidence of the answer", "axis", "middle")
    middle = TOP + SIDE / 2
    yield (
        f'<text class="axis" text-anchor="middle" transform="translate(24 {middle}) rotate(-90)">'
        "share of answers that were right</text>"
    )


def _curve(found: Calibration) -> Iterator[str]:
    """What was measured: the gap to the diagonal, the curve, the bins with their error bars, the counts."""
    points = [(b.confidence, b.accuracy) for b in found.bins]
    ideal = [(x, x) for x, _ in reversed(points)]
    yield f'<polygon class="gap" points="{_path(points + ideal)}"/>'
    yield f'<polyline class="curve" points="{_path(points)}"/>'
    for each in found.bins:
        low, high = wilson(each)
        x = _x(each.confidence)
        yield f'<line class="error" x1="{x}" x2="{x}" y1="{_y(low)}" y2="{_y(high)}"/>'
    for each in found.bins:
        told = f"{each.n} answers with {each.lower:.2f}–{each.upper:.2f}: {each.accuracy:.1%} right"
        yield (
            f'<circle class="point" cx="{_x(each.confidence)}" cy="{_y(each.accuracy)}" r="5">'
            f"<title>{told}</title></circle>"
        )
    yield _text(LEFT - 10, STRIP_TOP + STRIP_HEIGHT - 2, "answers", "tick", "end")
    most = max(found.distribution, default=0) or 1
    width = SIDE / max(1, len(found.distribution))
    for step, count in enumerate(found.distribution):
        if count:
            height = max(1.0, STRIP_HEIGHT * count / most)
            yield (
                f'<rect class="count" x="{LEFT + step * width + 1:.1f}" y="{STRIP_TOP + STRIP_HEIGHT - height:.1f}"'
                f' width="{width - 2:.1f}" height="{height:.1f}"><title>{count} answers</title></rect>'
            )


def _nothing() -> Iterator[str]:
    """In place of the curve."""
    yield _text(LEFT + 20, TOP + 40, "Too few answers to measure by yet.", "axis")
    yield _text(LEFT + 20, TOP + 62, "Consolidate the space, or give feedback.", "axis")


def wilson(found: CalibrationBin) -> tuple[float, float]:
    """The 95 % interval of a bin's accuracy (Wilson 1927)."""
    n, p, z2 = found.n, found.accuracy, CONFIDENT_95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = CONFIDENT_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _x(share: float) -> float:
    return round(LEFT + SIDE * share, 1)


def _y(share: float) -> float:
    return round(TOP + SIDE * (1 - share), 1)


def _path(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{_x(x)},{_y(y)}" for x, y in points)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(text)}</text>'
