"""`complete --watch`: a completion while it happens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from recollect.cli.console import out, percent, print_json, shown

_BARS = "▁▂▃▄▅▆▇█"
_BAR_WIDTH = 24
Event = tuple[str, Any]


def print_events(events: Iterable[Event]) -> None:
    """Every event as a JSON object, as it comes."""
    for name, data in events:
        print_json({"event": name, "data": data})


def watch_events(events: Iterable[Event]) -> Any:
    """Show the events, in place on a terminal and line by line elsewhere; the final result."""
    picture = _Picture()
    if not out.is_terminal:
        for name, data in events:
            picture.take(name, data)
            if name != "final_result":
                out.print(picture.line(name, data))
        out.print()
        return picture.final
    with Live(console=out, auto_refresh=False) as live:
        for name, data in events:
            picture.take(name, data)
            live.update(picture.render(), refresh=True)
    out.print()
    return picture.final


class _Picture:
    """What has been seen of one completion."""

    def __init__(self) -> None:
        self.final: Any = None
        self._retrieval: dict[str, Any] = {}
        self._energies: list[float] = []
        self._fields: dict[str, tuple[Any, float]] = {}
        self._share = 0.0

    def take(self, name: str, data: Any) -> None:
        """See one event; a second retrieval voids what was seen before."""
        if name == "pattern_retrieval":
            self._retrieval, self._energies, self._fields, self._share = data, [], {}, 0.0
        elif name == "ca3_progress":
            self._energies.append(data["energy"])
        elif name == "partial_result":
            self._fields |= {each["name"]: (each["value"], each["confidence"]) for each in data["fields"]}
            self._share = data["share_complete"]
        elif name == "final_result":
            self.final = data

    def line(self, name: str, data: Any) -> str:
        """One event in a line."""
        if name == "pattern_retrieval":
            return self._retrieved()
        if name == "ca3_progress":
            # A server older than this command does not tell how many compete.
            left = f", {data['competing']:.1f} still compete" if "competing" in data else ""
            return (
                f"sweep {data['iteration']} of {data['max_iterations']}: energy {data['energy']:.5f}, "
                f"change {data['change']:.5f}{left}{', settled' if data['converged'] else ''}"
            )
        fields = (f"{escape(each['name'])} = {escape(shown(each['value']))}" for each in data["fields"])
        return f"{', '.join(fields)}  ({self._share:.0%} complete)"

    def render(self) -> Group:
        """Everything so far."""
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, (value, confidence) in self._fields.items():
            table.add_row(escape(name), escape(shown(value)), percent(confidence))
        filled = round(_BAR_WIDTH * self._share)
        bar = f"[green]{'━' * filled}[/][dim]{'━' * (_BAR_WIDTH - filled)}[/] {self._share:.0%} complete"
        energy = f"energy {self._energies[-1]:.5f} nats  {_curve(self._energies)}" if self._energies else "energy"
        return Group(Text(self._retrieved()), Text(energy), Text.from_markup(bar), table)

    def _retrieved(self) -> str:
        seen = self._retrieval
        if not seen:
            return ""
        return (
            f"{seen['candidates']} of {seen['episodes']} episodes compete: {seen['from_recollection']} recollected, "
            f"{seen['from_generalisation']} of the kind; "
            f"the cue means a stored one with {percent(seen['match_confidence'])}"
        )


def _curve(energies: list[float]) -> str:
    """The energies as a line of bars."""
    least, most = min(energies), max(energies)
    span = (most - least) or 1.0
    return "".join(_BARS[round((each - least) / span * (len(_BARS) - 1))] for each in energies)
