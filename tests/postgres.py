"""A PostgreSQL server of one's own: a temporary folder, a free port of this machine, never root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")
_START_S = 60.0


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest there is; None where PostgreSQL is not installed."""
    versions = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]), reverse=True)
    found = str(versions[0]) if versions else shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def absence() -> str:
    """Why there can be no server here, "" where there can be one."""
    return "" if programs() else "PostgreSQL is not installed: its tests are skipped (apt-get install postgresql)"


class Server:
    """One server in a folder. `settings` are lines of postgresql.conf."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        found = programs()
        assert found is not None
        self.programs = found
        self.folder = folder
        self.data = folder / "data"
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is found."""
        return self.url_of("recollect")

    def url_of(self, database: str) -> str:
        """Where a database of it is found."""
        return f"postgresql://recollect@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The server's first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def create(self, *settings: str) -> None:
        """Make the folder of a new server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._give_away(self.folder)
        self.run("initdb", "-D", str(self.data), "-U", "recollect", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.configure("max_connections = 200", "shared_buffers = 32MB", "log_min_messages = fatal", *settings)

    def follow(self, primary: Server, name: str, port: int | None = None) -> None:
        """Become a standby of another server, anew; `port` leads to it, where that is not its own."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._give_away(self.folder)
        source = f"host=127.0.0.1 port={port or primary.port} user=recollect application_name={name}"
        self.run("pg_basebackup", "-D", str(self.data), "-d", source, "-R", "-X", "stream", "-c", "fast")
        self.configure("synchronous_standby_names = ''")  # once promoted, until somebody follows it

    def promote(self) -> None:
        """Take writes from now on."""
        self.execute("SELECT pg_promote()")

    def wait_for(self, standby: str | None) -> None:
        """Acknowledge only what this standby has flushed, too; None waits for nobody."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standby or ''}'")
        self.execute("SELECT pg_reload_conf()")

    def configure(self, *settings: str) -> None:
        """Add to its settings."""
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join((*settings, "")))

    def start(self) -> None:
        """Start it and wait until it answers."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self.programs / "postgres"),
                    *("-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_unprivileged(),
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def children(self) -> list[int]:
        """Its other processes."""
        listed = ["ps", "-o", "pid=", "--ppid", str(self.pid)]
        return [int(pid) for pid in subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()]

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks the connections, SIGQUIT is a crash of all its processes at once."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        self._process.wait(_START_S)
        self._process = None

    def kill(self) -> None:
        """Kill its first process with SIGKILL; the others end as soon as they notice."""
        self.stop(signal.SIGKILL)

    def execute(self, sql: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as its owner."""
        with psycopg.connect(self.url_of(database), autocommit=True) as db:
            done = db.execute(sql)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=self.folder,
            **_unprivileged(),
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-2000:]}")

    def _give_away(self, path: Path) -> None:
        owner = _owner()
        if owner is not None:
            os.chown(path, owner.pw_uid, owner.pw_gid)


@contextmanager
def running(*settings: str) -> Iterator[Server]:
    """A server with an empty database `recollect`, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="recollect-postgres-"))
    folder.chmod(0o755)
    server = Server(folder)
    try:
        server.create(*settings)
        server.start()
        server.execute("CREATE DATABASE recollect")
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody has at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _owner() -> pwd.struct_passwd | None:
    """Who is to run the server, where we are root: PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def _unprivileged() -> dict[str, Any]:
    owner = _owner()
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
