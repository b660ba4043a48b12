"""The documents read well, and name everything there is: commands, options, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import click
import pytest
import typer

from handlers import problems
from recollect.cli import app

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")] if path.name != "CHANGELOG.md")
MEAN_WORDS, LONG_WORDS, LONG_SHARE = 20, 40, 0.1
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"\n(?=\s*(?:[-*]|\d+\.) )")
_NO_PROSE = re.compile(r"\s*(?:\||#|    |!\[|\$\$)")


def sentences(document: str) -> Iterator[list[str]]:
    """The words of each sentence outside of code, tables and headings."""
    for paragraph in re.split(r"\n\s*\n", _FENCE.sub("", document)):
        if _NO_PROSE.match(paragraph):
            continue
        for item in _ITEM.split(paragraph):
            text = re.sub(r"`[^`]*`|\$[^$]*\$", "x", " ".join(item.split()))
            yield from (part.split() for part in re.split(r"(?<=[.!?:])\s+", text) if len(part.split()) > 2)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page: Path) -> None:
    lengths = [len(each) for each in sentences(page.read_text(encoding="utf-8"))]
    assert mean(lengths) <= MEAN_WORDS
    assert sum(length > LONG_WORDS for length in lengths) <= LONG_SHARE * len(lengths)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_is_written_twice_in_a_row(page: Path) -> None:
    text = " ".join(" ".join(each) for each in sentences(page.read_text(encoding="utf-8")))
    assert not [m.group() for m in re.finditer(r"\b([a-z]{2,}) \1\b", text) if m.group(1) not in {"that", "had"}]


def commands(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that --help lists, with its words."""
    for word, command in group.commands.items():
        if not command.hidden:
            yield f"{name}{word}", command
            if isinstance(command, click.Group):
                yield from commands(command, f"{name}{word} ")


ROOT_COMMAND = typer.main.get_command(app)
COMMANDS = dict(commands(ROOT_COMMAND))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert not [each.name for each in command.params if isinstance(each, click.Option) and not each.help]


def test_the_readme_names_every_command() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\brecollect ([a-z-]+)", table))
    assert not {name.split()[0] for name in COMMANDS} - named


def test_every_problem_type_says_what_it_means_where_from_and_what_to_do() -> None:
    for kind in problems.TYPES.values():
        assert kind.title, kind.code
        assert kind.meaning, kind.code
        assert kind.causes, kind.code
        assert kind.remedy, kind.code
