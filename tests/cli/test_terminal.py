"""What only a terminal gets: colours, unless NO_COLOR forbids them, and lines that tell how far a command is."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from recollect.cli.console import span
from tests.cli.conftest import COMMAND_S, Served, environment

COMMAND = [sys.executable, "-m", "recollect"]
COLOUR = re.compile(r"\x1b\[(?:\d+;)*3\d")
UNKNOWN = ("complete", "what=breakfast", "--space", "nowhere")


def told(server: Served, **variables: str) -> dict[str, str]:
    """The environment of a command in a terminal of a person."""
    kept = environment(server.data, RECOLLECT_URL=server.url, TERM="xterm-256color")
    del kept["NO_COLOR"]
    return kept | variables


def on_a_terminal(server: Served, *words: str, **variables: str) -> str:
    """All that a terminal is sent."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *words], env=told(server, **variables), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody holds the other end any more
            while piece := os.read(ours, 65536):
                sent += piece
        process.wait(COMMAND_S)
    os.close(ours)
    return sent.decode()


def piped(server: Served, *words: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words], env=told(server), capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    return done.stdout + done.stderr


def test_colours_are_for_a_terminal_that_wants_them(server: Served) -> None:
    assert COLOUR.search(on_a_terminal(server, *UNKNOWN))
    assert not COLOUR.search(on_a_terminal(server, *UNKNOWN, NO_COLOR="1"))
    assert "\x1b" not in piped(server, *UNKNOWN)


def test_what_takes_time_tells_a_terminal_how_far_it_is(server: Served, tmp_path: Path) -> None:
    table = tmp_path / "meals.csv"
    table.write_text("what,where\n" + "lunch,canteen\nbreakfast,kitchen\n" * 30, encoding="utf-8")
    load = ("import", str(table), "--space", "watched", "--create")
    learn = ("consolidate", "--space", "watched", "--wait")
    sent = on_a_terminal(server, *load)
    assert "sending" in sent
    assert "60 accepted" in re.sub(r"\x1b\[[\d;]*m", "", sent)
    assert "\x1b[2K" in on_a_terminal(server, *learn)
    silent = piped(server, *load, "--again") + piped(server, *learn)
    assert "\x1b" not in silent
    assert "sending" not in silent


def test_an_interval_is_told_to_a_thousandth_of_its_width() -> None:
    assert span(564.3634332151568, 1064.03530377843) == ("564.4", "1064.0")
    assert span(1e-7, 3.123456789e-6) == ("1e-07", "3.123e-06")
    assert span(20, 45) == ("20", "45")
    assert span(2.5, 2.5) == ("2.5", "2.5")
    assert span("2024-01-01", "2024-02-01") == ("2024-01-01", "2024-02-01")
