"""How much of the disk development takes: `make size`.

Counted are the blocks of every file of .venv. Left out are what Python compiles for itself and the parts that only
rare targets install: those of requirements/supply.txt and requirements/evaluation.txt.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
LOCKS = ("installer", "serve", "dev", "contract")
MOST_BYTES = 600_000_000


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> set[str]:
    """The names that the locks of development hold."""
    text = "".join((REQUIREMENTS / f"{lock}.txt").read_text("utf-8") for lock in LOCKS)
    return {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def files_of(part: Distribution) -> set[Path]:
    return {Path(str(file.locate())).resolve() for file in part.files or ()}


def main() -> int:
    """Print the largest parts and the whole; 1 where the whole is more than is held."""
    environment = Path(sys.prefix)
    owners = {file: canonical(part.name) for part in distributions() for file in files_of(part)}
    meant = locked() | {"recollect", "of no part"}
    sizes: Counter[str] = Counter()
    for path in environment.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.suffix == ".pyc":
            continue
        sizes[owners.get(path.resolve(), "of no part")] += path.stat().st_blocks * 512
    for name in sizes.keys() - meant:
        del sizes[name]
    for name, size in sizes.most_common(8):
        print(f"{size / 1e6:6.0f} MB  {name}")
    print(f"{sizes.total() / 1e6:6.0f} MB  in all, at most {MOST_BYTES / 1e6:.0f} MB")
    return int(sizes.total() > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
