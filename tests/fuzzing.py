"""Coverage-guided fuzzing of everything that reads what a caller sends: only declared errors may come out.

`python -m tests.fuzzing [reader …] [-seconds=60]`. Each reader is fuzzed in a process of its own; an input that raises
anything but our own errors ends the run with its traceback, and is kept in build/fuzzing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CRASHES = Path("build/fuzzing")
SECONDS = 60
SEEDS: Mapping[str, list[bytes]] = {
    "json": [b'{"partial_episode":{"known_fields":{"a":[1,2.5,true,null]}}}', b'"\\ud800"', b"[" * 40],
    "episode": [b'{"id":"a","fields":{"a":1},"embedding":[1,2],"expires_at":"2026-01-01T00:00:00Z"}'],
    "cursor": [b"eyJhIjo1MH0", b"====", b"\xff"],
    "key": [b"Bearer rk_" + b"a" * 43, b"bearer  x", b"Basic eA=="],
    "headers": [b"host: a\nx-memory-space: demo\ncontent-length: 3", b"accept: text/html;q=0.5, */*;q=x"],
    "lines": [b'{"fields":{"a":1}}\n{"fields":{"a":2}}\n', b"\xef\xbb\xbf{}\r\n"],
    "table": [b'name,size\nA,5"\nB,"6\n7"\n', b"a;b\n1;2\n", b"\xff\xfea\x00"],
    "file": [b"name,size\nA,5\n", b'[{"a":1}]', b"a\tb\n1\t2\n", b"PK\x03\x04"],
    "message": [b"\x0a\x05\x0a\x03abc", b"\x12\x00"],
    "time": [b"2026-03-04T08:00:00Z", b"2026-W10", b"2026-03-01"],
}


def read_json(data: bytes) -> None:
    from recollect import strict_json

    strict_json.parse(data)


def read_episode(data: bytes) -> None:
    from recollect import strict_json
    from recollect.service.admission import admit, read_episode

    row = strict_json.parse(data)
    if isinstance(row, dict):
        admit(read_episode(row), "ep_1", None)


def read_cursor(data: bytes) -> None:
    from recollect.service import cursors

    cursors.unseal(data.decode("utf-8", "surrogateescape"), "a listing")


def read_key(data: bytes) -> None:
    from recollect.errors import Unauthenticated
    from recollect.service.access import Access
    from recollect.settings import Settings
    from recollect.store import open_store

    if not _OPENED:
        store = open_store("sqlite:///" + str(CRASHES.absolute() / "keys.db"))
        store.open()
        _OPENED.append(Access(Settings(auth="on"), store))
    try:
        _OPENED[0].identify(data.decode("latin-1"), is_local=False)
    except Unauthenticated:
        return
    raise AssertionError("a made-up key was taken")


def read_headers(data: bytes) -> None:
    from handlers import bodies, framing, guard
    from recollect.errors import RecollectError

    pairs = [line.partition(b": ")[::2] for line in data.split(b"\n")]
    scope = {"headers": [(name.lower(), value) for name, value in pairs], "raw_path": b"/", "query_string": b""}
    headers = framing.read_headers(scope)
    framing.RequestIds().name(headers)
    for read in (
        lambda: framing.read_space(headers),
        lambda: framing.require_host(headers),
        lambda: guard.choose(headers.get(b"accept", b"*/*"), ("application/json", "image/svg+xml")),
        lambda: bodies.media_type(headers, ("application/json", "text/csv")),
        lambda: bodies.declared_length(headers, bodies.Allowance(1000, 1.0)),
        lambda: guard.is_local({"client": ("127.0.0.1", 1)}, headers),
    ):
        try:
            read()
        except RecollectError:
            continue


def read_lines(data: bytes) -> None:
    _preview(data, "jsonl")


def read_table(data: bytes) -> None:
    _preview(data, "csv")


def read_file(data: bytes) -> None:
    _preview(data, "file")


def _preview(data: bytes, form: str) -> None:
    """Read an import without storing anything."""
    from recollect.model import ImportFormat, Scope, SpaceDraft
    from recollect.service.imports import ImportPlan, import_episodes
    from recollect.service.runtime import open_runtime
    from recollect.settings import Settings

    if not _OPENED:
        loop = asyncio.new_event_loop()
        opened = open_runtime(Settings(data=CRASHES / "store"))
        runtime = loop.run_until_complete(opened.__aenter__())
        loop.run_until_complete(runtime.store.put_space("fuzzed", SpaceDraft()))
        _OPENED.extend((loop, runtime, opened))
    loop, runtime, _ = _OPENED

    async def body() -> Any:
        middle = len(data) // 2
        for part in (data[:middle], data[middle:]):
            yield part

    look = import_episodes(runtime, Scope("fuzzed"), body(), form=ImportFormat(form), plan=ImportPlan(preview=True))
    loop.run_until_complete(look)


def read_message(data: bytes) -> None:
    from recollect.rpc import reading
    from recollect.rpc.guard import parse
    from recollect.rpc.v1 import completion_pb2, episode_pb2

    request = parse(completion_pb2.CompleteRequest, data)
    reading.check(reading.question_faults(request))
    reading.question(request, verbose=False)
    reading.episode(parse(episode_pb2.EpisodeInput, data))


def read_time(data: bytes) -> None:
    from recollect.times import epoch_seconds

    try:
        epoch_seconds(data.decode("utf-8", "replace"))
    except ValueError:
        return


_OPENED: list[Any] = []
READERS: Mapping[str, Callable[[bytes], None]] = {
    "json": read_json,
    "episode": read_episode,
    "cursor": read_cursor,
    "key": read_key,
    "headers": read_headers,
    "lines": read_lines,
    "table": read_table,
    "file": read_file,
    "message": read_message,
    "time": read_time,
}


def one(name: str) -> Callable[[bytes], None]:
    """The reader as the fuzzer calls it: our own errors are answers, everything else is a finding."""
    from recollect.errors import RecollectError

    def read(data: bytes) -> None:
        try:
            READERS[name](data)
        except RecollectError:
            return

    return read


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one reader in this process; does not return."""
    import atheris

    with atheris.instrument_imports(include=["recollect", "handlers"]):
        for seed in SEEDS[name]:
            one(name)(seed)
    corpus = CRASHES / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(seed)
    arguments = [f"-max_total_time={seconds}", "-max_len=4096", "-verbosity=0", "-print_final_stats=1"]
    arguments.append(f"-artifact_prefix={corpus}/crash-")
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one(name))
    atheris.Fuzz()


def main() -> int:
    seconds = next((int(each.partition("=")[2]) for each in sys.argv if each.startswith("-seconds=")), SECONDS)
    names = [each for each in sys.argv[1:] if not each.startswith("-")] or list(READERS)
    if "--here" in sys.argv:
        fuzz(names[0], seconds)
    CRASHES.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in names:
        command = [sys.executable, "-m", "tests.fuzzing", name, f"-seconds={seconds}", "--here"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        executed = next((line for line in done.stderr.splitlines() if "number_of_executed_units" in line), "")
        print(
            f"{name}: {executed.rpartition(' ')[2] or 0} inputs, {'ok' if done.returncode == 0 else 'FAILED'}",
            flush=True,
        )
        if done.returncode != 0:
            failed.append(name)
            told = [
                line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("INFO", "WARNING"))
            ]
            print("\n".join(told[-60:]))
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
