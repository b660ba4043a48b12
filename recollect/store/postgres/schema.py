"""The tables: made where there are none, brought forward where they are older; a newer format is refused."""

from __future__ import annotations

from importlib import resources

from recollect.errors import Unavailable
from recollect.store.postgres.connections import SCHEMA, Db, fetch, literal

_MAKING_LOCK = 0x5243_4C55


def exists(db: Db) -> bool:
    """Whether there is a store in this database."""
    return bool(fetch(db, "SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.store",))[0][0])


def format_version() -> int:
    """The newest format this code knows."""
    return max(number for number, _ in _migrations())


def prepare(db: Db) -> None:
    """Make the tables or bring them forward, all or nothing, one worker at a time; refuse what cannot be sound."""
    ((encoding, fsync),) = fetch(db, "SELECT current_setting('server_encoding'), current_setting('fsync')")
    if encoding != "UTF8":
        raise _refused(f"The database's encoding is {encoding}; it has to be UTF8.")
    if fsync != "on":
        raise _refused("The database server runs with fsync off: an acknowledged write could be lost.")
    if exists(db) and _found(db) == format_version():
        return
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING_LOCK,))
        if not exists(db):
            db.execute(literal(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            found = 0
        else:
            found = _found(db)
        for number, sql in _migrations():
            if number > found:
                db.execute(literal(sql))
        db.execute("UPDATE store SET format = %s", (format_version(),))


def _found(db: Db) -> int:
    """The format of the tables; raises Unavailable for one that only a newer release knows."""
    found, newest = int(fetch(db, "SELECT format FROM store")[0][0]), format_version()
    if found > newest:
        raise Unavailable(
            f"The store has format {found}, this release knows up to {newest}. Start a newer release.",
            code="STORE_FORMAT_NEWER",
            context={"format": found, "known_format": newest},
        )
    return found


def _refused(detail: str) -> Unavailable:
    return Unavailable(detail, code="DATABASE_UNSOUND")


def _migrations() -> list[tuple[int, str]]:
    """(number, SQL) ascending."""
    folder = resources.files("recollect.store.postgres.migrations")
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return sorted((int(entry.name.split("_")[0]), entry.read_text("utf-8")) for entry in files)
