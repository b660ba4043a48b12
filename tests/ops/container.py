"""Build the image of `deploy/Containerfile` and use it, without a daemon: `make test-container`, as root.

buildah builds and runs it in a chroot: tried is what the image holds and who runs it, not what a runtime closes.
Where the image it stands on cannot be fetched, Debian's own Python stands in for it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import postgres

ROOT = Path(__file__).parent.parent.parent
STAND_IN = "localhost/python"
IMAGE = "localhost/recollect"
PATIENCE_S = 300.0
BREAKFAST = {"partial_episode": {"known_fields": {"what": "breakfast"}}}


class Buildah:
    """Images and containers in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._program = ["buildah", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
        self._program += ["--storage-driver", "vfs"]

    def command(self, *words: str) -> list[str]:
        return [*self._program, *words]

    def do(self, *words: str) -> str:
        """What a command of buildah prints last."""
        done = subprocess.run(self.command(*words), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        return (done.stdout.split() or [""])[-1]

    def can(self, *words: str) -> bool:
        return subprocess.run(self.command(*words), cwd=ROOT, check=False, capture_output=True).returncode == 0


def base(buildah: Buildah) -> str:
    """The image that ours stands on, or a stand-in of Debian's packages and of this machine's certificates."""
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    named = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("ARG BASE="))
    if buildah.can("pull", named):
        return named
    print(f"{named} cannot be fetched: Debian's Python stands in for it", flush=True)
    system = buildah.folder / "system"
    parts = "--include=python3,python3-venv,python-is-python3,ca-certificates"
    subprocess.run(["debootstrap", "--variant=minbase", parts, "stable", str(system)], check=True, capture_output=True)
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, system / certificates.relative_to("/"))
        (system / "etc" / "pip.conf").write_text(f"[global]\ncert = {certificates}\n", encoding="utf-8")
    made = buildah.do("from", "scratch")
    buildah.do("add", "--quiet", made, str(system), "/")
    buildah.do("commit", "--quiet", "--rm", made, STAND_IN)
    return STAND_IN


class Container:
    """One of the image, with a store."""

    def __init__(self, buildah: Buildah, store: str) -> None:
        self._buildah = buildah
        self._name = buildah.do("from", IMAGE)
        self.port = postgres.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        told = {"PORT": self.port, "GRPC_PORT": postgres.free_port()} | ({"STORE": store} if store else {})
        self._told = [word for name, value in told.items() for word in ("--env", f"RECOLLECT_{name}={value}")]

    def command(self, *words: str) -> list[str]:
        return self._buildah.command("run", "--isolation", "chroot", *self._told, self._name, "--", *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), check=False, capture_output=True, text=True, timeout=PATIENCE_S)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve, until a SIGTERM to the service."""
        with subprocess.Popen(self.command("recollect", "serve"), stdout=sys.stderr) as process:
            try:
                ends_at = time.monotonic() + PATIENCE_S
                while not self._is_ready():
                    assert process.poll() is None, "it ended"
                    assert time.monotonic() < ends_at, "it never was ready"
                    time.sleep(0.2)
                yield
            finally:
                self.run("python", "-c", _END)
        assert process.returncode == 0, f"it ended with {process.returncode}"

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False


_END = """
import json, os, pathlib, signal
for each in pathlib.Path("/data").rglob("servers/*.json"):
    os.kill(int(each.stem), signal.SIGTERM)
"""
_HEALTH = "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['RECOLLECT_PORT'] + '/readyz')"


def claims(container: Container) -> Iterator[tuple[str, bool]]:
    """What is said of the image, and whether it holds."""
    yield "no root runs it", container.run("id", "-u").stdout.strip() == "10001"
    yield "without a key it refuses to start", "keys create" in container.run("recollect", "serve").stderr
    create = ("recollect", "keys", "create", "--data", "/data")
    key = container.run(*create, "--label", "admin").stdout.strip()
    watching = container.run(*create, "--label", "prometheus", "--action", "read").stdout.strip()
    with container.serving():
        ask = {"headers": {"Authorization": f"Bearer {key}", "X-Memory-Space": "demo"}, "timeout": PATIENCE_S}
        answer = httpx.post(f"{container.url}/api/v1/complete", json=BREAKFAST, **ask).json()  # type: ignore[arg-type]
        yield "it completes", answer["completed_episode"]["fields"]["where"] == "kitchen"
        yield "a stranger is refused", httpx.get(f"{container.url}/api/v1/spaces").status_code == 401
        yield (
            "explorer and guide are there",
            all(
                httpx.get(container.url + page).status_code == 200
                for page in ("/", "/guide", "/docs", "/guide/runbook")
            ),
        )
        watched = httpx.get(f"{container.url}/metrics", headers={"Authorization": f"Bearer {watching}"})
        yield "Prometheus may read", "recollect_requests_total" in watched.text
        yield "it is healthy", container.run("python", "-c", _HEALTH).returncode == 0
        yield "nothing but /data can be written", container.run("touch", "/opt/recollect/x").returncode != 0
    yield "a SIGTERM ends it in order", True


def main() -> int:
    """Build, then use it on each store; 1 where something does not hold."""
    lacking = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if lacking:
        print(f"apt-get install {' '.join(lacking)}: no image is built")
        return 1
    with tempfile.TemporaryDirectory(prefix="recollect-image-") as folder, postgres.running() as server:
        buildah = Buildah(Path(folder))
        begun = time.monotonic()
        build = ("bud", "--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={base(buildah)}")
        subprocess.run(
            buildah.command(*build, "--quiet", "-f", "deploy/Containerfile", "-t", IMAGE, "."), cwd=ROOT, check=True
        )
        print(f"built in {time.monotonic() - begun:.0f} s", flush=True)
        failed = 0
        for store in ("", server.url):
            for claim, holds in claims(Container(buildah, store)):
                print(f"{'holds' if holds else 'FAILS'}  {'PostgreSQL' if store else 'SQLite':10}  {claim}", flush=True)
                failed += not holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
