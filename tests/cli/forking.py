"""Commands as a shell starts them, each in a process of its own, without loading the program anew for each.

A process that has loaded the program forks itself for each command. The fork gets words, environment, folder, stdin,
stdout and stderr of its own, runs `python -m recollect` and ends as every process ends.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from recollect.cli import command_line

MOST_BYTES = 128 * 1024


@dataclass
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str


class Forking:
    """The process that forks."""

    def __init__(self) -> None:
        self._asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # No thread survives a fork, so the arithmetic has none; the parts of a command that compute load it.
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from tests.cli.forking import serve; serve({theirs.fileno()})"],
                cwd=Path(__file__).parents[2],
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self,
        words: Sequence[str],
        variables: Mapping[str, str],
        *,
        folder: Path | None = None,
        stdin: str = "",
        timeout_s: float = 600.0,
    ) -> Ran:
        """Run `recollect` with these words in this environment, and wait for its end."""
        asked = json.dumps({"words": words, "variables": dict(variables), "folder": str(folder or Path.cwd())})
        ours, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, ours:
            reading, writing = os.pipe()
            with theirs:
                passed = [reading, out.fileno(), err.fileno(), theirs.fileno()]
                socket.send_fds(self._asked, [asked.encode()], passed)
            os.close(reading)
            with suppress(BrokenPipeError), open(writing, "wb") as given:
                given.write(stdin.encode())
            ours.settimeout(timeout_s)
            code = int(ours.recv(16) or b"-1")
            out.seek(0)
            err.seek(0)
            told = Ran(code, out.read().decode(), err.read().decode())
        assert "Traceback" not in told.err, told.err
        return told

    def close(self) -> None:
        """Let it end, once its command has ended."""
        self._asked.close()
        self._process.wait()


def serve(descriptor: int) -> None:
    """Fork a process for each command that is asked for; returns when nobody can ask any more."""
    command_line()
    import_module("recollect.service.standalone")  # and so the mathematics and the store
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "no thread survives a fork"
    gc.freeze()  # else every fork would copy, at its end, all that was loaded
    asking = socket.socket(fileno=descriptor)
    while True:
        message, descriptors, _, _ = socket.recv_fds(asking, MOST_BYTES, 4)
        if not message:
            return
        child = os.fork()
        if child == 0:
            asking.close()
            _become(json.loads(message), descriptors)
        _, status = os.waitpid(child, 0)
        with suppress(BrokenPipeError), socket.socket(fileno=descriptors.pop()) as reply:
            reply.send(str(os.waitstatus_to_exitcode(status)).encode())
        for each in descriptors:
            os.close(each)


def _become(asked: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Run the command in this process; ends it."""
    for number, each in enumerate(descriptors[:3]):
        os.dup2(each, number)
    for each in descriptors:
        os.close(each)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    sys.argv[1:] = asked["words"]
    runpy.run_module("recollect", run_name="__main__", alter_sys=True)
