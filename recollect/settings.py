"""What an operator can set: one field, one line, one RECOLLECT_* variable.

The variable is the field's name in capitals after `RECOLLECT_`. This is the only
reader of the environment. Bad values are refused at start, all of them at once.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

import platformdirs

PREFIX = "RECOLLECT_"
CLIENT_ONLY = ("KEY", "URL")  # read by the command line as a client
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]{1,64}){0,8}")
T = TypeVar("T")


class SettingsError(ValueError):
    """One or more variables hold values that cannot be used; the message names each."""


def _setting(
    default: T, says: str, *, least: float | None = None, most: float | None = None, choices: tuple[str, ...] = ()
) -> T:
    """A field with its documentation and its bounds; typed as its default."""
    declared: Any = field(default=default, metadata={"says": says, "least": least, "most": most, "choices": choices})
    value: T = declared
    return value


def _user_folder() -> Path:
    """The data folder of whoever runs the process now."""
    return platformdirs.user_data_path("recollect", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set, with the defaults of a laptop."""

    host: str = _setting("127.0.0.1", "Address to listen on; a public one needs a key first.")
    port: int = _setting(8080, "Port of the HTTP API.", least=0)
    grpc_port: int = _setting(50051, "Port of the gRPC API; 0 switches it off.", least=0)
    root_path: str = _setting("", "Path prefix under which a proxy offers the service, such as `/memory`.")
    data: Path = field(
        default_factory=_user_folder, metadata={"says": "Folder that holds everything to be kept.", "choices": ()}
    )
    store: str = _setting(
        "", "Store URL, sqlite:///path or postgresql://…; empty means sqlite:/// plus recollect.db in the data folder."
    )
    workers: int = _setting(2, "Worker processes.", least=1)
    auth: str = _setting(
        "auto",
        "Who needs a key: `auto` all once one was ever created, `on` all, `off` no one on this machine.",
        choices=("auto", "on", "off"),
    )
    demo: bool = _setting(True, "Provide the read-only space `demo` with its shipped episodes.")
    consolidate: str = _setting(
        "auto",
        "When spaces learn: `auto` as they grow and when asked, `manual` only when asked.",
        choices=("auto", "manual"),
    )
    cue_noise: str = _setting(
        "shipped",
        "How damaged cues are taken to be: `shipped` as measured elsewhere, `learned` from the cues that come.",
        choices=("shipped", "learned"),
    )
    encoder: str = _setting(
        "",
        "Folder of a sentence model on this machine, by which texts are alike in meaning too; empty: by spelling only.",
    )
    cors_origins: tuple[str, ...] = _setting((), "Browser origins that may call, exact, separated by commas.")
    log_level: str = _setting(
        "info", "Least level that is logged.", choices=("debug", "info", "warning", "error", "critical")
    )
    log_format: str = _setting(
        "auto",
        "How logs are written: `json` lines, `text` for people, `auto` text on a terminal and json elsewhere.",
        choices=("auto", "json", "text"),
    )
    traces: str = _setting(
        "", "Address of an OTLP collector that gets traces, such as `http://127.0.0.1:4318`; empty sends none."
    )
    metrics_spaces: tuple[str, ...] = _setting(
        (), "Memory spaces that metrics tell apart by name, separated by commas; none unless named."
    )
    max_sweeps: int = _setting(50, "Sweeps of the CA3 dynamics after which they count as not converging.", least=1)
    max_in_flight: int = _setting(64, "Requests one worker handles at once; more are refused with 503.", least=1)
    max_streams: int = _setting(1000, "gRPC streams one worker keeps open at once; more are refused.", least=1)
    max_body_bytes: int = _setting(8_388_608, "Largest JSON body.", least=1024)
    max_import_bytes: int = _setting(1_073_741_824, "Largest streamed import body.", least=1024)
    max_spaces: int = _setting(10_000, "Spaces the service holds at most.", least=1)
    max_episodes: int = _setting(2_000_000, "Episodes one space holds at most.", least=1)
    max_space_bytes: int = _setting(
        17_179_869_184, "Bytes of episodes and embeddings one space holds at most.", least=1
    )
    rate_per_s: float = _setting(0.0, "Requests per second and key, averaged; 0 sets no limit.", least=0)
    rate_burst: int = _setting(200, "Requests a key may send at once before its rate counts.", least=1)
    body_timeout_s: float = _setting(15.0, "Time in which a request's body must have arrived.", least=0.1)
    import_timeout_s: float = _setting(900.0, "Time in which a streamed import must have arrived.", least=0.1)
    request_timeout_s: float = _setting(30.0, "Deadline of a request after its body has arrived.", least=0.1)
    # Who is refused comes again after a second at the soonest: refusing a shorter wait would cost its caller more.
    max_wait_s: float = _setting(2.0, "Time a request waits for a busy worker to begin it; then 503.", least=0.001)
    max_queue_s: float = _setting(2.0, "Time a request waits for its turn at a memory space; then 503.", least=0.01)
    # gunicorn gives an application 30 s to end, closing its store included.
    drain_timeout_s: float = _setting(20.0, "Time that running requests get at shutdown, at most 25.", least=0, most=25)

    def __post_init__(self) -> None:
        if not _ROOT_PATH.fullmatch(self.root_path):
            raise SettingsError(f"{PREFIX}ROOT_PATH: expected a path such as /memory, without a slash at its end")
        object.__setattr__(self, "data", self.data.expanduser().absolute())  # wherever the shell stands later
        if self.encoder:
            object.__setattr__(self, "encoder", str(Path(self.encoder).expanduser().absolute()))
        if not self.store:
            object.__setattr__(self, "store", f"sqlite:///{self.data / 'recollect.db'}")

    @property
    def store_file(self) -> Path | None:
        """The store's file; None for a store that is none."""
        scheme, _, path = self.store.partition(":///")
        return Path(path).absolute() if scheme == "sqlite" else None

    @property
    def is_public(self) -> bool:
        """Whether others than this machine can reach the address."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True  # a host name: assume the worst

    @property
    def url(self) -> str:
        """Where a client on this machine finds the HTTP API."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read every RECOLLECT_* variable; raises SettingsError naming each bad and each unknown one."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        faults = _unknown(environment)
        for declared in fields(cls):
            text = environment.get(variable(declared), "").strip()
            if not text:
                continue
            try:
                values[declared.name] = _parse(declared, text)
            except ValueError as fault:
                faults.append(f"{variable(declared)}: {fault}")
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)


def publish(**chosen: object) -> None:
    """Set variables, named by their fields, for this process and its children; None leaves one as it is."""
    for name, value in chosen.items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)


def for_children(settings: Settings) -> dict[str, str]:
    """This process's environment with these settings in it, for a process that is to work on the same data."""
    own = {
        variable(declared): ",".join(value) if isinstance(value, tuple) else str(value)
        for declared in fields(settings)
        for value in (getattr(settings, declared.name),)
    }
    kept = {name: value for name, value in os.environ.items() if name != _METRICS_FOLDER}  # it is no worker
    return {**kept, **own}


def client_url(environment: Mapping[str, str] | None = None) -> str | None:
    """The server that the command line talks to, from RECOLLECT_URL."""
    return (os.environ if environment is None else environment).get(f"{PREFIX}URL") or None


def chooses_data(environment: Mapping[str, str] | None = None) -> bool:
    """Whether somebody has named the data folder or the store, rather than left it to the default."""
    environment = os.environ if environment is None else environment
    return any(environment.get(f"{PREFIX}{name}", "").strip() for name in ("DATA", "STORE"))


def state_folder() -> Path:
    """Where this user's programs note what goes on; nothing there needs keeping."""
    return platformdirs.user_state_path("recollect", appauthor=False)


def client_key(environment: Mapping[str, str] | None = None) -> str | None:
    """The key that the command line sends, from RECOLLECT_KEY."""
    return (os.environ if environment is None else environment).get(f"{PREFIX}KEY") or None


def publish_metrics_folder(folder: Path) -> None:
    """Tell the metrics library, in this process and its children, where workers share their counts."""
    os.environ[_METRICS_FOLDER] = str(folder)


def publish_one_thread_per_worker() -> None:
    """Keep the arithmetic libraries of this process and its children to one thread each, unless told otherwise.

    Workers share the cores already: more threads than cores only wait for each other.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS"):
        os.environ.setdefault(name, "1")


def metrics_folder() -> Path | None:
    """Where workers share their counts; None when this process counts alone."""
    folder = os.environ.get(_METRICS_FOLDER)
    return Path(folder) if folder else None


def variable(declared: Field[Any]) -> str:
    """The environment variable of a field."""
    return PREFIX + declared.name.upper()


def _unknown(environment: Mapping[str, str]) -> list[str]:
    """A fault for every variable that is no setting, with the nearest that is one: a misspelt one would do nothing."""
    known = [*map(variable, fields(Settings)), *(PREFIX + name for name in CLIENT_ONLY)]
    faults = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            from rapidfuzz import process  # here and not above: every command starts sooner without it

            near = process.extractOne(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
            faults.append(f"{name}: no such setting; the nearest is {PREFIX}{near[0]}")
    return faults


def _parse(declared: Field[Any], text: str) -> Any:
    """The field's value from its text; raises ValueError saying what was expected."""
    default = declared.default if declared.default_factory is MISSING else declared.default_factory()
    choices: tuple[str, ...] = declared.metadata["choices"]
    if choices and text.lower() not in choices:
        raise ValueError(f"expected one of {', '.join(choices)}")
    if isinstance(default, bool):
        return _parse_bool(text)
    if isinstance(default, int | float):
        return _parse_number(type(default), text, declared.metadata["least"], declared.metadata["most"])
    if isinstance(default, Path):
        return Path(text).expanduser()
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text.lower() if choices else text


def _parse_bool(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("expected true or false")


def _parse_number(kind: type[int] | type[float], text: str, least: float | None, most: float | None) -> int | float:
    expected = "a whole number" if kind is int else "a number"
    try:
        number = kind(text)
    except ValueError:
        raise ValueError(f"expected {expected}") from None
    if not math.isfinite(number):
        raise ValueError(f"expected {expected}")
    if least is not None and number < least:
        raise ValueError(f"expected {expected} of at least {least:g}")
    if most is not None and number > most:
        raise ValueError(f"expected {expected} of at most {most:g}")
    return number
