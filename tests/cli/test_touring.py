"""The guided tour: every step runs, and nobody waits for a key that no one can press."""

from collections.abc import Callable

from recollect.cli.touring import STEPS
from tests.cli.conftest import Served, free_port
from tests.cli.forking import Ran

Run = Callable[..., Ran]


def test_the_tour_shows_what_each_of_its_commands_shows(recollect: Run, server: Served) -> None:
    done = recollect("demo")
    assert done.code == 0, done.err
    for number, (says, command) in enumerate(STEPS, 1):
        assert f"{number}/{len(STEPS)}  {says}" in done.out
        assert f"$ recollect {command}" in done.out
    assert "INSUFFICIENT_EVIDENCE" in done.err
    assert "kitchen" in done.out
    assert "\x1b[" not in done.out + done.err, "no colours where nobody sees them"


def test_without_a_server_it_says_how_to_start_one(recollect: Run) -> None:
    done = recollect("demo", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.code == 3
    assert "recollect serve" in done.err
