"""Each generated client, built with its own toolchain, against a live server.

The programs in clients/ do the same in every language: create a space, import, complete
(core and verbose), be refused with suggestions, page, and keep values as they are.
The example in each client's README runs too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.server import Server, serving

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = Path(__file__).parent / "clients"
BUILD = ROOT / "build" / "clients"
VALUES = '{"whole":3,"broken":3.5,"flag":true,"text":"3","mixed":[3,3.5,true,"3"]}'
# A registry that does not answer ends a test by failing, not by hanging.
TIMEOUT_S = 900


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("clients"), with_key=True) as served:
        yield served


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a step of a build or a program; a failure shows what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}"
    return done.stdout


def lay_out(language: str, example: str) -> Path:
    """Put the client, its live program and the example of its README into the build folder; what was compiled stays."""
    folder = BUILD / language
    shutil.copytree(ROOT / "generated_clients" / language, folder / "client", dirs_exist_ok=True)
    shutil.copytree(PROGRAMS / language, folder / "live", dirs_exist_ok=True)
    readme = (folder / "client/README.md").read_text("utf-8")
    found = re.search(r"^```\w+\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert found, f"The README of the {language} client has no example"
    path = folder / "live" / example
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found[1], "utf-8")
    return folder


def point(path: Path, server: Server) -> None:
    """Send the example to the server under test."""
    text = path.read_text("utf-8")
    assert "http://127.0.0.1:8080" in text
    path.write_text(text.replace("http://127.0.0.1:8080", server.url), "utf-8")


def build_python(server: Server) -> list[list[str | Path]]:
    folder = lay_out("python", "example.py")
    point(folder / "live/example.py", server)
    site = folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    run(sys.executable, "-m", "pip", "install", *options, "--target", site, folder / "client", cwd=folder)
    start = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"
    return [[sys.executable, "-c", start, site, folder / "live" / name] for name in ("live.py", "example.py")]


def build_typescript(server: Server) -> list[list[str | Path]]:
    folder = lay_out("typescript", "example.ts")
    live = folder / "live"
    point(live / "example.ts", server)
    run("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", cwd=live)
    compiler = live / "node_modules/.bin/tsc"
    for project in ("tsconfig.json", "tsconfig.esm.json"):
        run(compiler, "-p", folder / "client" / project, cwd=live)
    installed = live / "node_modules/recollect-client"
    shutil.copytree(folder / "client/dist", installed / "dist")
    shutil.copy(folder / "client/package.json", installed)
    run(compiler, "-p", ".", cwd=live)
    return [["node", live / "dist" / name] for name in ("live.js", "example.js")]


def build_go(server: Server) -> list[list[str | Path]]:
    folder = lay_out("go", "example/main.go")
    live = folder / "live"
    point(live / "example/main.go", server)
    assert run("gofmt", "-l", ".", cwd=live) == ""
    # Nothing but the standard library is needed, so nothing may be fetched.
    (folder / "bin").mkdir(exist_ok=True)
    for step in (["vet", "./..."], ["build", "-o", folder / "bin", "./..."]):
        run("go", *step, cwd=live, GOPROXY="off", GOFLAGS="-mod=mod", GOTOOLCHAIN="local")
    return [[folder / "bin" / name] for name in ("live", "example")]


def build_java(server: Server) -> list[list[str | Path]]:
    folder = lay_out("java", "src/main/java/Example.java")
    live = folder / "live"
    point(live / "src/main/java/Example.java", server)
    (live / "build.xml").rename(folder / "pom.xml")
    run("mvn", "--quiet", "--batch-mode", "package", cwd=folder)
    path = f"{live / 'target/classes'}{os.pathsep}{live / 'target/lib/*'}"
    return [["java", "-ea", "-cp", path, name] for name in ("Live", "Example")]


def build_rust(server: Server) -> list[list[str | Path]]:
    folder = lay_out("rust", "src/bin/example.rs")
    live = folder / "live"
    point(live / "src/bin/example.rs", server)
    # The lock is kept without the address of the registry that every package is from.
    lock = (PROGRAMS / "rust/Cargo.lock").read_text("utf-8")
    index = ".".join(["registry+https://github", "com/rust-lang/crates", "io-index"])
    (live / "Cargo.lock").write_text(re.sub(r"\n(checksum = )", rf'\nsource = "{index}"\n\1', lock), "utf-8")
    run("cargo", "build", "--quiet", "--locked", cwd=live, CARGO_TARGET_DIR=str(folder / "target"))
    return [[folder / "target/debug" / name] for name in ("live", "example")]


CLIENTS: dict[str, tuple[tuple[str, ...], Callable[[Server], list[list[str | Path]]]]] = {
    "python": ((), build_python),
    "typescript": (("node", "npm"), build_typescript),
    "go": (("go", "gofmt"), build_go),
    "java": (("java", "mvn"), build_java),
    "rust": (("cargo", "cc"), build_rust),
}
QUICK = {"python", "typescript"}


@pytest.mark.parametrize(
    "language",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.toolchain) for name in CLIENTS],
)
def test_the_client_does_everything_it_promises(language: str, server: Server) -> None:
    tools, build = CLIENTS[language]
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the {language} client needs {' and '.join(missing)}, which is not installed here")
    live, example = build(server)
    variables = {"RECOLLECT_URL": server.url, "RECOLLECT_KEY": server.key or ""}
    run(*live, cwd=BUILD / language, **variables)

    printed = run(*example, cwd=BUILD / language, **variables)
    assert re.search(r"^where = .*kitchen.* from \w+$", printed, re.MULTILINE), printed
    assert re.search(r"^- \w+", printed, re.MULTILINE), printed

    # What the client read and wrote back is, to the byte of every value, what it had sent first.
    for episode_id in ("values", "copy"):
        assert fields_as_sent(server, f"client-{language}", episode_id) == VALUES


@pytest.mark.skipif(shutil.which("npm") is None, reason="the TypeScript clients need npm, which is not installed here")
def test_the_thin_typescript_client_does_what_it_promises(server: Server) -> None:
    folder, generated = BUILD / "typescript-sdk", BUILD / "typescript-sdk/client"
    shutil.copytree(ROOT / "generated_clients/typescript", generated, dirs_exist_ok=True)
    shutil.copytree(ROOT / "clients/typescript", folder / "sdk", dirs_exist_ok=True)
    shutil.copytree(PROGRAMS / "typescript", folder, dirs_exist_ok=True)
    shutil.copytree(PROGRAMS / "typescript-sdk", folder, dirs_exist_ok=True)
    readme = (ROOT / "clients/typescript/README.md").read_text("utf-8")
    found = re.search(r"^```typescript\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert found
    assert sum(map(bool, found[1].splitlines())) == 3
    where = f'new Recollect({{ url: "{server.url}", key: "{server.key}" }})'
    (folder / "example.ts").write_text(found[1].replace("new Recollect()", where), "utf-8")

    run("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", cwd=folder)
    compiler = folder / "node_modules/.bin/tsc"
    for name, package in (("recollect-client", generated), ("recollect-sdk", folder / "sdk")):
        run(compiler, "-p", package, cwd=folder)
        installed = folder / "node_modules" / name
        shutil.copytree(package / "dist", installed / "dist")
        shutil.copy(package / "package.json", installed)
    run(compiler, "-p", ".", cwd=folder)
    run("node", folder / "dist/live.js", cwd=folder, RECOLLECT_URL=server.url, RECOLLECT_KEY=server.key or "")
    assert run("node", folder / "dist/example.js", cwd=folder).startswith("kitchen 0.")


def fields_as_sent(server: Server, space: str, episode_id: str) -> str:
    """The spelling of an episode's fields on the wire, in the order of the values of this test."""
    request = urllib.request.Request(
        f"{server.api}/episodes/{episode_id}", headers={"X-Memory-Space": space, **server.headers}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        fields = json.loads(reply.read(), parse_float=Spelled, parse_int=Spelled)["fields"]
    return "{" + ",".join(f'"{name}":{spell(fields[name])}' for name in json.loads(VALUES)) + "}"


class Spelled(str):
    """A number as it was spelled."""


def spell(value: object) -> str:
    """Write a value back, its numbers as they were spelled."""
    if isinstance(value, Spelled):
        return str.__str__(value)
    if isinstance(value, list):
        return "[" + ",".join(map(spell, value)) + "]"
    return json.dumps(value)
