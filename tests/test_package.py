"""What is published serves by itself: built, installed elsewhere, and asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

import engine
import recollect
from handlers.guide import documents
from tests.cli.conftest import environment, free_port

ROOT = Path(__file__).parents[1]
START_S = 120
pytestmark = pytest.mark.package


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was built from it alone."""
    folder = tmp_path_factory.mktemp("dist")
    script = (
        "import os, sys, tarfile, setuptools.build_meta as backend\n"
        "folder = sys.argv[1]\n"
        "name = backend.build_sdist(folder)\n"
        "tarfile.open(os.path.join(folder, name)).extractall(folder, filter='data')\n"
        "os.chdir(os.path.join(folder, name.removesuffix('.tar.gz')))\n"
        "backend.build_wheel(folder)\n"
    )
    clone = folder / "checkout"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{ROOT}", str(clone)], check=True)
    done = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_there_is_one_version_everywhere() -> None:
    contract = (ROOT / "openapi.yaml").read_text("utf-8")
    assert re.search(r"^  version: (.+)$", contract, re.MULTILINE)[1] == recollect.__version__ == engine.VERSION


def test_both_carry_the_contract_and_one_version(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    assert wheel.name.split("-")[1] == recollect.__version__
    assert sdist.name == f"recollect-{recollect.__version__}.tar.gz"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("handlers/openapi.yaml") == (ROOT / "openapi.yaml").read_bytes()
    assert {f"handlers/guide/{path.relative_to(ROOT)}" for path in documents(ROOT)} <= names
    tracked = subprocess.run(
        ["git", "ls-files", "handlers", "recollect", "engine"], cwd=ROOT, capture_output=True, text=True
    )
    needed = [name for name in tracked.stdout.split() if not re.search(r"\.(md|binpb|pyi)$", name)]
    assert not set(needed) - names
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/openapi.yaml") for name in archive.getnames())


def test_the_installed_wheel_completes_a_request_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    home = tmp_path / "installed"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    site = home / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:  # as an installer unpacks it; what it depends on is there already
        archive.extractall(site)
    (site / "libraries.pth").write_text(f"{_libraries_without_ours(tmp_path)}\n")
    port = free_port()
    served = subprocess.Popen(
        [python, "-P", "-m", "recollect", "serve", "--port", str(port), "--workers", "1"],
        cwd=tmp_path,
        env=environment(tmp_path / "data"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        assert served.stdout is not None
        for line in served.stdout:
            lines.append(line)
            if "answers at" in line:
                break
        else:
            pytest.fail("it did not start:\n" + "".join(lines))
        where = subprocess.run(
            [python, "-P", "-c", "import handlers; print(handlers.__file__)"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert where.stdout.startswith(str(site))
        body = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
        url = f"http://127.0.0.1:{port}"
        reply = httpx.post(f"{url}/api/v1/complete", json=body, headers={"X-Memory-Space": "demo"}, timeout=START_S)
        assert reply.status_code == 200, reply.text
        assert reply.json()["completed_episode"]["fields"]["what"] == "breakfast"
        assert httpx.get(f"{url}/docs").status_code == 200
        assert httpx.get(f"{url}/problems").status_code == 200
    finally:
        served.terminate()
        served.communicate(timeout=60)


def _libraries_without_ours(folder: Path) -> Path:
    """This environment's libraries, without the link by which it finds the checkout."""
    libraries = folder / "libraries"
    libraries.mkdir()
    for each in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "recollect" not in each.name.lower() and not each.name.endswith(".pth"):
            os.symlink(each, libraries / each.name)
    return libraries
