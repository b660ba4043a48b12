"""Shell completion: the scripts that shells load, and what they get while a command is typed."""

import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import COMMAND_S, Served, environment
from tests.cli.forking import Forking

Ask = Callable[..., list[str]]

COMMAND = [sys.executable, "-m", "recollect"]


@pytest.fixture
def ask(server: Served, forking: Forking) -> Callable[..., list[str]]:
    """What a shell is offered for the last word."""

    def run(shell: str, *words: str, url: str | None = None) -> list[str]:
        variables = environment(server.data, RECOLLECT_URL=url or server.url, _RECOLLECT_COMPLETE=f"complete_{shell}")
        done = forking.run([], variables | _typed(shell, ["recollect", *words]))
        assert not done.err
        return done.out.split()

    return run


def _typed(shell: str, line: list[str]) -> dict[str, str]:
    """How the shell tells what stands on the line."""
    return {
        "bash": {"COMP_WORDS": "\n".join(line), "COMP_CWORD": str(len(line) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": " ".join(line)},
        "fish": {
            "_TYPER_COMPLETE_ARGS": " ".join(line),
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": line[-1],
        },
    }[shell]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_spaces_fields_and_values_are_offered(ask: Ask, shell: str) -> None:
    assert "complete" in " ".join(ask(shell, "comp"))
    assert "demo" in " ".join(ask(shell, "complete", "--space", "de"))
    assert "weather=" in " ".join(ask(shell, "complete", "wea"))
    assert "what=breakfast" in " ".join(ask(shell, "complete", "what=brea"))
    assert "weather" in " ".join(ask(shell, "complete", "--target", "wea"))


def test_bash_which_ends_words_at_the_sign_gets_the_value_alone(ask: Ask) -> None:
    assert ask("bash", "complete", "what", "=", "brea") == ["breakfast"]


def test_a_server_that_is_not_there_leaves_the_shell_in_peace(ask: Ask) -> None:
    assert ask("bash", "complete", "--space", "de", url="http://127.0.0.1:1") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(server: Served, shell: str) -> None:
    variables = environment(server.data, _RECOLLECT_COMPLETE=f"source_{shell}")
    script = subprocess.run(
        COMMAND, env=variables, capture_output=True, text=True, timeout=COMMAND_S, check=True
    ).stdout
    assert f"complete_{shell}" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, timeout=COMMAND_S, check=True)
