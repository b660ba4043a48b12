"""Where the data lie does not depend on where the shell stands, and nobody works on a store that is not served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Served, environment, start, stop
from tests.cli.forking import Forking, Ran

At = Callable[..., Ran]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user without any data yet."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("served"), HOME=str(home), RECOLLECT_DEMO="false")
    yield served
    stop(served)


@pytest.fixture
def at(forking: Forking) -> Callable[..., Ran]:
    """Run a command in a folder, of a user who has named no data folder."""

    def run(folder: Path, home: Path, *arguments: str, **variables: str) -> Ran:
        kept = {name: value for name, value in environment(folder).items() if name != "RECOLLECT_DATA"}
        kept = {name: value for name, value in kept.items() if not name.startswith("XDG_")}
        return forking.run(arguments, kept | {"HOME": str(home)} | variables, folder=folder)

    return run


def test_a_server_says_where_its_data_lie(served: Served) -> None:
    assert f"Recollect keeps its data in {served.data}\n" in served.output


@pytest.mark.parametrize("command", [["keys", "create"], ["keys", "list"], ["backup", "copy.db"]])
def test_from_another_folder_a_store_that_is_not_served_is_refused_and_the_one_in_use_named(
    at: At, served: Served, home: Path, tmp_path: Path, command: list[str]
) -> None:
    done = at(tmp_path, home, *command)
    assert done.code == 2
    assert str(served.data) in done.err
    assert f"--data {served.data}" in done.err
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []
    assert not list(home.rglob("*.db"))  # and none was made


def test_a_server_that_has_ended_is_not_named(at: At, tmp_path: Path) -> None:
    notes = tmp_path / ".local" / "state" / "recollect" / "servers"
    notes.mkdir(parents=True)
    gone = {"url": "http://127.0.0.1:1", "data": "/gone", "store": "sqlite:////gone/recollect.db"}
    (notes / "1.json").write_text(json.dumps(gone))
    done = at(tmp_path, tmp_path, "keys", "list")
    assert done.code == 2
    assert "/gone" not in done.err
    assert "holds no store" in done.err
    assert not list(notes.iterdir())


def test_the_folder_in_use_can_be_named(at: At, served: Served, home: Path, tmp_path: Path) -> None:
    copied = at(tmp_path, home, "backup", "copy.db", "--data", str(served.data))
    assert copied.code == 0
    assert f"Copied {served.data}/recollect.db to {tmp_path}/copy.db" in copied.out
    relative = at(served.data.parent, home, "keys", "list", "--json", RECOLLECT_DATA=served.data.name)
    assert json.loads(relative.out) == {"items": []}


def test_a_named_folder_without_a_store_is_refused(at: At, home: Path, tmp_path: Path) -> None:
    done = at(tmp_path, home, "keys", "list", "--data", "empty")
    assert done.code == 2
    assert f"{tmp_path}/empty holds no store" in done.err
    assert not (tmp_path / "empty").exists()


def test_a_key_can_be_made_before_the_first_start_in_a_folder_that_is_named(at: At, home: Path, tmp_path: Path) -> None:
    done = at(tmp_path, home, "keys", "create", "--data", "new")
    assert done.code == 0
    assert f"There was no store in {tmp_path}/new: it is made." in done.err
    assert f"in {tmp_path}/new." in done.err


def test_without_a_name_it_is_the_users_data_folder(at: At, tmp_path: Path) -> None:
    home, here, there = tmp_path / "home", tmp_path / "here", tmp_path / "there"
    for folder in (home, here, there):
        folder.mkdir()
    assert at(here, home, "prepare", RECOLLECT_DEMO="false").code == 0
    made = at(there, home, "keys", "create")
    assert made.code == 0
    [store] = home.rglob("recollect.db")
    assert f"in {store.parent}." in made.err
    assert list(here.iterdir()) == list(there.iterdir()) == []


def test_a_misspelt_variable_is_refused_with_the_nearest_name(at: At, home: Path, tmp_path: Path) -> None:
    done = at(tmp_path, home, "status", RECOLLECT_PROT="9000")
    assert done.code == 2
    assert "RECOLLECT_PROT: no such setting; the nearest is RECOLLECT_PORT" in done.err
