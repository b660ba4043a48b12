"""The examples for LangChain and LlamaIndex against a live server, in an environment without the server.

`make test-adapters` makes that environment: the client's wheels, the two libraries, and nothing of this project else.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.contract.server import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "clients/python/examples"
THREE_LINES = (
    "from recollect_sdk import Recollect\n"
    "answer = Recollect().space('demo').complete(what='breakfast')\n"
    "print(answer['where'].value)"
)


def main() -> int:
    """Run each example under the Python named; say what came out wrong."""
    python = str(Path(sys.argv[1]).absolute())
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), RECOLLECT_DEMO="true") as server:

        def said(*arguments: str) -> str:
            environment = {"RECOLLECT_URL": server.url, "PATH": "/usr/bin:/bin", "HOME": folder}
            done = subprocess.run(
                [python, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{arguments[-1]}: {done.stderr}")
            return done.stdout

        said("-c", "import importlib.util; raise SystemExit(importlib.util.find_spec('recollect') is not None)")
        found = {
            "three lines": said("-c", THREE_LINES),
            "LangChain": said(str(EXAMPLES / "langchain_memory.py")),
            "LlamaIndex": said(str(EXAMPLES / "llama_index_retriever.py")),
        }
    for name, told in found.items():
        print(f"{name}:\n{told}")
    lines = found["LangChain"].splitlines()
    assert found["three lines"] == "kitchen\n"
    assert [line.split()[1] for line in lines[:2]] == ["breakfast", "breakfast"]
    assert lines[2:] == ["['Where do I have breakfast?', 'In the kitchen.']", "0 left"]
    completed, *stored = found["LlamaIndex"].splitlines()
    assert completed.startswith("cmp_")
    assert completed.endswith("kitchen")
    assert len(stored) == 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
