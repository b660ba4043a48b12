"""What the service tells of itself in metrics: the outcome of completions, verdicts, and how much a worker holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from engine import Answer
from recollect import telemetry
from recollect.errors import ConvergenceFailure, InsufficientEvidence
from recollect.model import Completion
from recollect.service.runtime import Runtime

Asked = ParamSpec("Asked")
Event = TypeVar("Event")
_STATUS = Path("/proc/self/status")
_PARTS = {"RssAnon": "anonymous", "RssFile": "file", "RssShmem": "shared"}


def completions(
    unfold: Callable[Asked, Generator[Event, None, None]],
) -> Callable[Asked, Generator[Event, None, None]]:
    """Tell how the completions that `unfold` makes come out."""

    @wraps(unfold)
    def told(*given: Asked.args, **named: Asked.kwargs) -> Generator[Event, None, None]:
        answer: Answer | None = None
        try:
            for event in unfold(*given, **named):
                if isinstance(event, Answer):
                    answer = event
                elif isinstance(event, Completion):
                    _tell_completion(event, answer)
                yield event
        except InsufficientEvidence as refusal:
            telemetry.metrics().count("completions", "refused")
            telemetry.metrics().count("abstentions", _word(refusal.context["reasons"][0]))
            raise
        except ConvergenceFailure:
            telemetry.metrics().count("completions", "not_converged")
            raise

    return told


def _tell_completion(completion: Completion, answer: Answer | None) -> None:
    metrics = telemetry.metrics()
    metrics.count("completions", "partial" if completion.abstained else "answered")
    metrics.observe("completion_confidence", completion.completion_confidence)
    for reason in completion.abstained.values():
        metrics.count("abstentions", _word(reason.partition(":")[0]))
    for attribution in completion.attribution.values():
        metrics.count("completed_fields", attribution.source.value)
    if answer is not None:
        metrics.observe("completion_candidates", len(answer.posterior.rows))
        if answer.final is not None:
            metrics.observe("completion_sweeps", answer.iterations)


def judged(confidence: float, *, is_right: bool) -> None:
    """Tell that somebody has judged a completed field."""
    telemetry.metrics().observe("feedback_confidence", confidence, "right" if is_right else "wrong")


async def sample(runtime: Runtime) -> None:
    """Tell what this worker holds now."""
    metrics, settings = telemetry.metrics(), runtime.settings
    metrics.spaces |= frozenset(settings.metrics_spaces)
    loaded = tuple(runtime.memories.loaded())
    metrics.set("spaces_loaded", len(loaded))
    metrics.set("episodes_loaded", sum(len(each) for each in loaded))
    metrics.set("cells_loaded", sum(each.cells for each in loaded))
    metrics.set("store_writable", float(await runtime.read(runtime.store.is_writable)))
    for part, size_bytes in _memory_bytes().items():
        metrics.set("memory_bytes", size_bytes, part)
    disk = shutil.disk_usage(settings.data)
    metrics.set("data_free_bytes", disk.free)
    metrics.set("data_size_bytes", disk.total)
    file = settings.store_file
    if file is not None:
        metrics.set("store_bytes", sum(_size(file.with_name(file.name + end)) for end in ("", "-wal", "-aside")))


def _memory_bytes() -> dict[str, int]:
    """Resident memory of this process by kind, where the system tells it."""
    try:
        lines = _STATUS.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    told: dict[str, Any] = dict(line.partition(":")[::2] for line in lines)
    return {part: 1024 * int(told[name].split()[0]) for name, part in _PARTS.items() if name in told}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _word(reason: str) -> str:
    return reason.replace(" ", "_")
