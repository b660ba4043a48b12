"""`complete` and `recall`: the two questions one can ask a memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape

from recollect.cli.client import Client
from recollect.cli.console import (
    EXIT_USAGE,
    AsJson,
    Failure,
    KeyOption,
    Space,
    Url,
    out,
    percent,
    print_json,
    print_table,
    shown,
    span,
)
from recollect.cli.suggesting import suggest_fields, suggest_known
from recollect.cli.watching import print_events, watch_events

Known = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FIELD=VALUE…",
        help='What is known. 3, true and ["a", "b"] are read as JSON; quotes keep text: \'year="1990"\'.',
        autocompletion=suggest_known,
    ),
]


KnownBy = Annotated[
    str | None,
    typer.Option("--known-by", metavar="TIME", help="Only what was written by then answers: 2026-03-04T08:00:00Z."),
]
HappenedBy = Annotated[
    str | None, typer.Option("--happened-by", metavar="TIME", help="Only what had happened by then answers.")
]


def complete(  # noqa: PLR0913, PLR0917  # a parameter per option
    known: Known = None,
    space: Space = "demo",
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", "-t", help="A field to fill in; repeat for more. (default: all)", autocompletion=suggest_fields
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, max=1, help="Leave out fields that are less sure; 0 answers always."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show sources, evidence, alternatives, statistics.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option("--coverage", min=0.5, max=0.99, help="Also tell the values that hold the true one so often."),
    ] = None,
    is_stored: Annotated[
        bool | None,
        typer.Option("--stored/--new", help="Say that a stored event is meant, or a new one. (default: either)"),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say why: what each part did, what would change the answer, what to ask next.")
    ] = False,
    current: Annotated[
        bool, typer.Option("--current", help="Also tell what the latest episode says that has all you know.")
    ] = False,
    known_by: KnownBy = None,
    happened_by: HappenedBy = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it happen: candidates, energy, fields as they fill in.")
    ] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Complete an episode from the part you know.

    Example: recollect complete what=breakfast --target where --space journal
    """
    request: dict[str, Any] = {"partial_episode": {"known_fields": parse_fields(known or [])}}
    if target:
        request["targets"] = target
    prior = None if is_stored is None else float(is_stored)
    settings = {"ca1_threshold": threshold, "coverage": coverage, "prior_stored": prior}
    if config := {name: value for name, value in settings.items() if value is not None}:
        request["config"] = config
    if include := [*(("why", "counterfactual", "ask_next") if why else ()), *(("current",) if current else ())]:
        request["include"] = include
    request |= as_of(known_by, happened_by)
    with Client(url, key, as_json=as_json) as client:
        if watch:
            events = client.events("/complete/stream", space=space, body=request)
            if as_json:
                print_events(events)
                return
            answer = watch_events(events)
        else:
            # People always see where a field came from; programs get what they ask for.
            query = {"verbose": "true"} if verbose or not as_json else {}
            answer = client.call("POST", "/complete", space=space, body=request, query=query)
    if as_json:
        print_json(answer)
        return
    _print_completion(answer, request["partial_episode"]["known_fields"])
    _print_sets(answer)
    _print_current(answer)
    if why:
        _print_reasons(answer)
    if verbose:
        _print_details(answer)


def recall(
    known: Known = None,
    space: Space = "demo",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="How many episodes.")] = 5,
    known_by: KnownBy = None,
    happened_by: HappenedBy = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Find the stored episodes that are most like what you know.

    Example: recollect recall what=breakfast --limit 3 --space journal
    """
    request = {"partial_episode": {"known_fields": parse_fields(known or [])}, "limit": limit}
    request |= as_of(known_by, happened_by)
    with Client(url, key, as_json=as_json) as client:
        answer = client.call("POST", "/recall", space=space, body=request)
    if as_json:
        print_json(answer)
        return
    items = answer["items"]
    names = list(dict.fromkeys(name for item in items for name in item["episode"]["fields"]))
    rows = [
        [f"{item['similarity']:.3f}", item["episode"]["id"]]
        + [shown(item["episode"]["fields"][name]) if name in item["episode"]["fields"] else "" for name in names]
        for item in items
    ]
    print_table(["similarity>", "episode", *names], rows)
    print_notes(answer)


def as_of(known_by: str | None, happened_by: str | None) -> dict[str, Any]:
    """By which times what answers was known and had happened, as a member of a request; none where neither is given."""
    given = {name: at for name, at in (("known_by", known_by), ("happened_by", happened_by)) if at}
    return {"as_of": given} if given else {}


def parse_fields(pairs: list[str]) -> dict[str, Any]:
    """Fields from FIELD=VALUE arguments; a value that is a JSON number, boolean, list or string is read as such."""
    fields: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            _refuse(f"“{pair}” is not FIELD=VALUE.", "For example: recollect complete what=breakfast")
        if name in fields:
            _refuse(f"The field “{name}” is given twice.", f'For several values: \'{name}=["one", "two"]\'')
        fields[name] = _parse_value(name, text)
    return fields


def _parse_value(name: str, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return text
    if value is None or isinstance(value, dict):
        what = "null" if value is None else "an object"
        _refuse(
            f"The field “{name}” cannot be {what}.",
            f"Leave out what you do not know; for the text itself, quote it: '{name}=\"{what}\"'",
        )
    return value


def _no_constant(word: str) -> NoReturn:
    """NaN and Infinity are no JSON: taken as text."""
    raise ValueError(word)


def _refuse(detail: str, hint: str) -> NoReturn:
    raise Failure("The command line cannot be read", detail, hints=[hint], exit_code=EXIT_USAGE)


def _print_completion(answer: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """The completed fields, what the cue gave first, and how sure the service is of the rest."""
    fields: dict[str, Any] = answer["completed_episode"]["fields"]
    sources: dict[str, Any] = answer.get("source_attribution", {})
    intervals: dict[str, Any] = answer["completed_episode"].get("intervals", {})
    names = [name for name in fields if name in known] + [name for name in fields if name not in known]
    rows = []
    for name in names:
        origin = sources.get(name, {})
        source = "given" if name in known else origin.get("source", "")
        sure = "" if name in known else percent(origin.get("confidence"))
        rows.append([name, shown(fields[name]), source, sure, *([_between(intervals.get(name))] if intervals else [])])
    print_table(["field", "value", "source", "confidence>", *(["between"] if intervals else [])], rows)
    for name, reason in answer["completed_episode"].get("abstained", {}).items():
        out.print(f"[dim]{escape(name)}: left out, {escape(reason)}[/]", markup=True)
    print_notes(answer)
    out.print(f"\nconfidence [bold]{percent(answer['completion_confidence'])}[/]")


def print_notes(answer: Mapping[str, Any]) -> None:
    """How the cue was read, where that is not as it was written."""
    for note in answer.get("cue_notes", ()):
        read_as = f" ({shown(note['read_as'])})" if "read_as" in note else ""
        out.print(f"[dim]{escape(note['message'] + read_as)}[/]", markup=True)


def _print_current(answer: Mapping[str, Any]) -> None:
    """What the latest says, and how far that holds."""
    for name, now in answer.get("current", {}).items():
        before = f", before that {shown(now['before'])}" if "before" in now else ""
        out.print(
            f"The latest of {now['episodes']} says {escape(name)} = {escape(shown(now['value']))}, since {now['since']}"
            f"{escape(before)}; {percent(now['confidence'])} of such values hold until the next."
        )


def _print_sets(answer: Mapping[str, Any]) -> None:
    """The values that hold the true one as often as asked for."""
    for name, found in answer.get("sets", {}).items():
        if "low" in found:
            told = "between {} and {}".format(*span(found["low"], found["high"]))
        else:
            more = found["size"] - len(found["values"])
            told = ", ".join([*map(shown, found["values"]), *([f"{more} more"] if more else [])])
            told += ", or a new value" if found["with_unseen"] else ""
            told = told or "none; the values of so many events were surer than this one"
        out.print(f"{escape(name)} with {percent(found['coverage'])}: {escape(told)}")


def _print_reasons(answer: Mapping[str, Any]) -> None:
    """Why each field is what it is, in a sentence and in numbers; what would change it; what to ask next."""
    for name, found in answer.get("why", {}).items():
        out.print(f"\n{escape(found['sentence'])}")
        rows = [["base rate", f"{found['base']:+.2f}", ""]]
        rows += [[part["field"], f"{part['nats']:+.2f}", f"{part['factor']:.3g}"] for part in found["contributions"]]
        print_table([f"why {name}", "nats>", "odds ×>"], [*rows, ["together", f"{found['log_odds']:+.2f}", ""]])
        together = [" and ".join(group["fields"]) for group in found["groups"] if len(group["fields"]) > 1]
        if together:
            out.print(f"[dim]shared within groups: {escape('; '.join(together))}[/]", markup=True)
        for other in found["counterfactuals"]:
            episodes = other["without_episodes"]
            left_out = " and ".join(other["without_fields"]) or f"{len(episodes)} of the stored episodes"
            out.print(f"Without {escape(left_out)}: {escape(shown(other['value']))} ({percent(other['confidence'])})")
    rows = [
        [item["field"], item["target"], percent(item["confidence"]), percent(item["confidence_expected"])]
        for item in answer.get("ask_next", ())
    ]
    if rows:
        print_table(["ask next", "for", "now>", "expected>"], rows, title="\nWhat would help")


def _between(interval: Mapping[str, Any] | None) -> str:
    """Where a number or a time lies: 20 to 45 (80 %)."""
    if interval is None:
        return ""
    return "{} to {}".format(*span(interval["low"], interval["high"])) + f" ({percent(interval['mass'])})"


def _print_details(answer: Mapping[str, Any]) -> None:
    """What `verbose` adds: evidence, alternatives, the confidence in the confidence, statistics."""
    evidence = [
        [name, each["episode_id"], f"{each['weight']:.3f}", f"{each['similarity']:.3f}"]
        for name, origin in answer.get("source_attribution", {}).items()
        for each in origin.get("evidence", ())[:3]
    ]
    if evidence:
        print_table(["field", "episode", "weight>", "similarity>"], evidence, title="\nEvidence")
    alternatives = [
        [percent(each["confidence"]), ", ".join(f"{n}={shown(each['episode']['fields'].get(n))}" for n in changed)]
        for each in answer.get("alternative_hypotheses", ())
        if (changed := each.get("differs_in", ()))
    ]
    if alternatives:
        print_table(["confidence>", "differs in"], alternatives, title="\nAlternatives")
    out.print(f"\ncompletion {answer['completion_id']}")
    out.print(f"metacognitive confidence {percent(answer.get('metacognitive_confidence'))}")
    rows = [
        [name, ", ".join(map(_measured, value)) if isinstance(value, list) else _measured(value)]
        for name, value in answer.get("reconstruction_stats", {}).items()
        if value not in ({}, [])
    ]
    print_table(["statistic", "value"], rows, title="\nReconstruction")


def _measured(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
