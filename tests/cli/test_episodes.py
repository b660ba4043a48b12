"""Single episodes, forgetting, feedback and the types of fields, as a user types them; and help that shows how."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from recollect.cli import app
from tests.cli.forking import Ran

Run = Callable[..., Ran]


def commands(group: typer.Typer, *parents: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command a person is shown, with its help."""
    for each in group.registered_commands:
        if not each.hidden:
            assert each.callback is not None
            yield (*parents, each.name or each.callback.__name__), each.callback.__doc__ or ""
    for sub in group.registered_groups:
        assert sub.typer_instance is not None
        yield from commands(sub.typer_instance, *parents, str(sub.name))


@pytest.mark.parametrize(("name", "text"), list(commands(app)), ids=lambda value: " ".join(value)[:40])
def test_the_help_of_every_command_shows_an_example(name: tuple[str, ...], text: str) -> None:
    assert "xample: recollect " + name[0] in text, name


@pytest.fixture(scope="module")
def shops(recollect: Run) -> str:
    assert recollect("spaces", "create", "shops", "--missing", "N/A").code == 0
    for n, (zip_code, price) in enumerate([("93650", "2.0"), ("93650", "2"), ("02134", "3"), ("02134", "N/A")]):
        done = recollect(
            "episodes", "put", f"shop-{n}", f'zip="{zip_code}"', f"price={price}", "kind=shop", "-s", "shops"
        )
        assert done.code == 0, done.err
    return "shops"


def test_episodes_are_put_listed_shown_and_deleted(recollect: Run, shops: str) -> None:
    assert "revision" in recollect("episodes", "put", "extra", "zip=x", "-s", shops).out
    listed = recollect("episodes", "list", "--space", shops)
    assert "shop-2" in listed.out
    assert "02134" in listed.out
    page = json.loads(recollect("episodes", "list", "-n", "2", "--space", shops, "--json").out)
    assert [item["id"] for item in page["items"]] == ["shop-0", "shop-1"]
    shown = json.loads(recollect("episodes", "show", "shop-0", "--space", shops, "--json").out)
    assert shown["fields"] == {"zip": "93650", "price": 2.0, "kind": "shop"}
    assert recollect("episodes", "delete", "extra", "-s", shops).code == 0
    gone = recollect("episodes", "show", "extra", "--space", shops)
    assert gone.code == 1
    assert "recall" in gone.err


def test_the_types_of_fields_are_shown_and_set(recollect: Run, shops: str) -> None:
    learned = recollect("schema", "--space", shops)
    assert any(line.split()[:3] == ["price", "number", "learned"] for line in learned.out.splitlines())
    told = recollect("schema", "zip=text", "--space", shops)
    assert any(line.split()[:3] == ["zip", "text", "set"] for line in told.out.splitlines())
    back = recollect("schema", "zip=", "--space", shops)
    assert any(line.split()[:3] == ["zip", "category", "learned"] for line in back.out.splitlines())
    assert recollect("schema", "zip=code", "--space", shops).code == 2


def test_forgetting_asks_first_and_reads_values_by_the_fields_type(recollect: Run, shops: str) -> None:
    counted = recollect("forget", "price=2", "--space", shops, "--json")
    assert json.loads(counted.out)["count"] == 2
    unanswered = recollect("forget", "zip=93650", "--space", shops)
    assert unanswered.code != 0
    assert "Forget 2 episodes" in unanswered.err
    done = recollect("forget", "zip=93650", "--space", shops, "--yes")
    assert "Forgot 2 episodes" in done.out
    assert "No episode" in recollect("forget", "zip=93650", "--space", shops, "--yes").out
    assert "the nearest is 'shop'" in recollect("forget", "kind=shpo", "--space", shops, "--yes").out
    misspelt = recollect("forget", "zipp=02134", "--space", shops, "--yes")  # nothing erased is no success here
    assert misspelt.code == 2
    assert "'zip' instead of 'zipp'" in misspelt.err


def test_a_forgetting_is_proved_and_checked_later(recollect: Run, shops: str, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    done = recollect("forget", "zip=02134", "--space", shops, "--yes", "--proof", str(proof))
    assert "the same as those of a twin" in done.out
    assert "as if it had never had it" in recollect("forget", "--space", shops, "--check", str(proof)).out
    assert recollect("forget", "--space", shops).code == 2
    assert recollect("forget", "--space", shops, "--check", str(tmp_path / "none.json")).code == 2


def test_episodes_are_merged_and_taken_apart_by_the_receipt(recollect: Run, tmp_path: Path) -> None:
    assert recollect("spaces", "create", "twins").code == 0
    for name, price in (("x", "2"), ("y", "3")):
        recollect("episodes", "put", name, 'zip="02134"', f"price={price}", "-s", "twins")
    kept = tmp_path / "merged.json"
    planned = recollect("merge", "x", "y", "--space", "twins", "--latest", "--dry-run")
    assert "2 episodes would be one: x." in planned.out
    assert any(line.split() == ["price", "3", "/", "2", "3"] for line in planned.out.splitlines())
    assert recollect("merge", "x", "y", "--space", "twins").code == 2  # nothing would keep the receipt
    done = recollect("merge", "x", "y", "--set", "zip=02135", "--space", "twins", "--receipt", str(kept))
    assert done.code == 0, done.err
    shown = json.loads(recollect("episodes", "show", "x", "--space", "twins", "--json").out)
    assert shown["fields"] == {"zip": "02135", "price": 2}
    assert recollect("merge", "x", "y", "--space", "twins", "--receipt", str(kept)).code == 2  # it holds a receipt
    assert "2 episodes stand again: x, y." in recollect("merge", "--undo", str(kept), "--space", "twins").out
    assert recollect("merge", "--undo", str(kept), "--space", "twins").code == 1
    assert json.loads(recollect("episodes", "show", "y", "--space", "twins", "--json").out)["fields"]["price"] == 3


def test_feedback_takes_a_verdict_or_the_true_value(recollect: Run) -> None:
    answer = json.loads(recollect("complete", "what=breakfast", "--target", "where", "--json").out)
    taken = recollect("feedback", answer["completion_id"], "where", "--true-value", "kitchen")
    assert taken.code == 0, taken.err
    assert "where was right" in taken.out
    assert "where was wrong" in recollect("feedback", answer["completion_id"], "where", "wrong").out
    assert recollect("feedback", answer["completion_id"], "where").code == 2
    assert recollect("feedback", answer["completion_id"], "where", "perhaps").code == 2


def test_a_completion_says_how_the_cue_was_read(recollect: Run) -> None:
    done = recollect("complete", "waht=breakfast", "what=breakfast", "duration_min=15", "--target", "where")
    assert "'what'" in done.out
    read = recollect("complete", "what=breakfast", 'duration_min="15"', "--target", "where")
    assert "was read as a number" in read.out
    refused = recollect("complete", "waht=breakfast", "--target", "where")
    assert refused.code == 4
    assert "Rename 'waht' to 'what'" in refused.err
    assert "threshold" not in refused.err
