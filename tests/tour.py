"""The tours in the documents, run: every `$` line of a console block against a real server.

`python -m tests.tour` starts a server and writes the output it gets into the documents;
the tests run the same lines and compare what does not change from run to run.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import Served, environment, start, stop

ROOT = Path(__file__).parent.parent
OWN_FILE = ROOT / "docs" / "your-own-file.md"
HOW_TO = ("agent-memory", "recall-or-predict", "vectors", "who-did-what")
DOCUMENTS = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("quickstart", "concepts", *HOW_TO)),
    OWN_FILE,
)
HOME = "~"
EXAMPLES = ROOT / "docs" / "examples"  # the files that a document works on, in a folder of its own
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command as a document shows it, with the output it shows."""

    command: str
    output: str


def steps(document: str) -> Iterator[Step]:
    """The steps of a document in order; a command goes on while its lines end in a backslash or a quote is open."""
    for block in _BLOCK.findall(document):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            size = next(n for n in range(1, len(lines) + 1) if _is_whole("\n".join(lines[:n])))
            yield Step("\n".join(lines[:size]), "\n".join(lines[size:]).strip("\n"))


@contextmanager
def workplace(document: Path) -> Iterator[Path]:
    """Where the commands of a document are run: the checkout, or a folder that has the example files alone."""
    if document != OWN_FILE:
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as folder:
        for file in EXAMPLES.iterdir():
            shutil.copy(file, folder)
        yield Path(folder)


def run(step: Step, served: Served, folder: Path = ROOT) -> str:
    """What the command prints against a server, with the address and the folder that the document shows."""
    variables = environment(served.data, RECOLLECT_PORT=served.url.rpartition(":")[2])
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    command = step.command.replace("http://127.0.0.1:8080", served.url)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    printed = "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines())
    printed = printed.replace(served.url, "http://127.0.0.1:8080").strip("\n")
    return printed if folder == ROOT else printed.replace(str(folder.resolve()), HOME)


def rewrite(document: str, served: Served, folder: Path = ROOT) -> str:
    """The document with the output of today."""

    def fill(block: re.Match[str]) -> str:
        parts = [f"$ {step.command}\n{run(step, served, folder)}".rstrip() for step in steps(block.group())]
        return "```console\n" + "\n".join(parts) + "\n```"

    return _BLOCK.sub(fill, document)


def _is_whole(command: str) -> bool:
    return not command.endswith("\\") and command.count("'") % 2 == 0


def main() -> None:
    """Rewrite the documents, or those named."""
    named = [Path(each).resolve() for each in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        served = start(Path(folder))
        try:
            for path in named or DOCUMENTS:
                with workplace(path) as place:
                    path.write_text(rewrite(path.read_text(encoding="utf-8"), served, place), encoding="utf-8")
        finally:
            stop(served)


if __name__ == "__main__":
    main()
