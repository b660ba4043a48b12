"""Make what is published: sdist and wheel of the committed state, their checksums, signed, and tried in a clean place.

`make release KEY=~/.ssh/id_ed25519` signs with that key; without one the checksums stay unsigned, and that is said.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import httpx

import recollect
from tests.cli.conftest import environment, free_port

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
SUMS = DIST / "SHA256SUMS"
NAMESPACE = "file"  # of the signature: what OpenSSH uses for files
_BUILD = "import sys, setuptools.build_meta as backend\nprint(getattr(backend, 'build_' + sys.argv[1])(sys.argv[2]))\n"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")


def build(folder: Path) -> list[Path]:
    """The sdist and the wheel of what is committed."""
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{ROOT}", str(checkout)], check=True)
    DIST.mkdir(exist_ok=True)
    return [_made(checkout, kind) for kind in ("sdist", "wheel")]


def _made(checkout: Path, kind: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, kind, str(DIST)], cwd=checkout, check=True, stdout=subprocess.PIPE, text=True
    )
    return DIST / done.stdout.split()[-1]


def sign(files: list[Path], key: Path | None) -> None:
    """Write the checksums, and their signature; it is checked at once."""
    SUMS.write_text("".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in files))
    if key is None:
        print("not signed: name a key, make release KEY=~/.ssh/id_ed25519")
        return
    SUMS.with_suffix(".sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(SUMS)], check=True)
    check = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", f"{SUMS}.sig"]
    subprocess.run(check, input=SUMS.read_bytes(), check=True)


def try_out(wheel: Path, folder: Path) -> None:
    """Install the wheel with its locked dependencies where nothing else is, and use it."""
    venv.create(folder / "clean", with_pip=True)
    python = str(folder / "clean" / "bin" / "python")
    subprocess.run(
        [python, *PIP, "--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / "requirements" / "serve.txt")],
        check=True,
    )
    subprocess.run([python, *PIP, "--no-deps", "--no-index", str(wheel)], check=True)
    port = free_port()
    settings = environment(folder / "data", RECOLLECT_PORT=str(port))
    served = subprocess.Popen(
        [python, "-P", "-m", "recollect", "serve"], cwd=folder, env=settings, stdout=subprocess.PIPE, text=True
    )
    try:
        assert served.stdout is not None
        assert any("answers at" in line for line in served.stdout), "the server did not start"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for path in ("/", "/guide", "/docs", f"/guide/releases/{recollect.__version__}.yaml"):
                client.get(path).raise_for_status()
        subprocess.run([python, "-P", "-m", "recollect", "demo"], cwd=folder, env=settings, check=True)
    finally:
        served.terminate()
        served.wait(60)


def main() -> None:
    """Build, sign, try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key", type=Path, help="the SSH key that signs")
    key = parser.parse_args().key
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = build(folder)
        sign(files, key)
        try_out(files[1], folder)
    print(SUMS.read_text(), end="")


if __name__ == "__main__":
    main()
