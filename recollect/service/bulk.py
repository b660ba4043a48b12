"""Tables of any size filled by many processes, on one machine or many, each by itself, from one frozen space.

A process reads the frozen space once and maps its arrays: those on one machine share them. A batch of rows in, the same
rows out; the answers of a row depend on the row and the frozen space alone, so it does not matter how an engine cuts
the table, in what order it goes about it, and what it does twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine import Block
from recollect.errors import SpaceNotFound
from recollect.memory import LEARNED, SpaceMemory, frozen
from recollect.model import Cue, CueNote, FillRequest, Space
from recollect.service import refusals
from recollect.service.completions import read_cue
from recollect.service.cues import unknown_field
from recollect.service.filling import blank_cells, told
from recollect.service.promising import Bar
from recollect.service.runtime import Runtime
from recollect.tables.columnar import holds, put_cells, put_notes
from recollect.tables.flat import FlatReader
from recollect.tables.formats import library
from recollect.tables.objects import rows_of
from recollect.tables.options import TableOptions

PIECE = 1000  # rows answered as one pass


@dataclass(frozen=True, slots=True)
class Order:
    """What every process is told: whoever follows it gives the same. What has expired by `now_s` is not used."""

    targets: tuple[str, ...]
    now_s: float
    threshold: float = 0.0
    notes: bool = False


def freeze(runtime: Runtime, space_id: str, path: Path) -> Space:
    """Write a space as it is now into a file; of which revision, the space returned tells."""
    space = runtime.store.get_space(space_id)
    if space is None:
        raise SpaceNotFound("There is no memory space of this name.")
    memory = runtime.memories.current(space)
    frozen.freeze(memory, runtime.store.get_artifact(space.uid, LEARNED), path, runtime.memories.encoder)
    return memory.space


def targets_of(path: Path, columns: Sequence[str], wanted: Sequence[str] | None, now_s: float) -> tuple[str, ...]:
    """The columns to be filled: those wanted, or all that the space knows; raises InsufficientEvidence."""
    memory = _opened(path, now_s)[0]
    return tuple(wanted or (name for name in columns if name in memory.traces.columns))


def notes_of(columns: Sequence[str], path: Path, now_s: float) -> tuple[CueNote, ...]:
    """A note of every column that no episode has a field for: its cells say nothing."""
    memory = _opened(path, now_s)[0]
    return tuple(unknown_field(memory, name) for name in columns if name not in memory.traces.columns)


def fill_batches(batches: Iterable[Any], path: Path, order: Order) -> Iterator[Any]:
    """Arrow's record batches with their blanks filled from the frozen space in `path`, each row where it was."""
    arrow = library("pyarrow", "a table of columns")
    memory, block = _opened(path, order.now_s)
    for batch in batches:
        for begin in range(0, batch.num_rows, PIECE):
            yield _filled(arrow, batch.slice(begin, PIECE), memory, block, order)


@lru_cache(maxsize=1)
def _opened(path: Path, now_s: float) -> tuple[SpaceMemory, Block]:
    """The frozen space and what answers from it: read once by a process, however many batches it is given."""
    memory = frozen.thaw(path, now_s)
    if not memory.traces.size:
        raise refusals.empty_space()
    return memory, Block(memory.traces, memory.schema())


def _filled(arrow: Any, batch: Any, memory: SpaceMemory, block: Block, order: Order) -> Any:
    reader, bar = FlatReader(TableOptions(), memory.space.missing_values), Bar(order.threshold)
    rows = [reader.read(row)[1] for row in rows_of([batch])]
    blanks = blank_cells(FillRequest(rows, order.targets))
    found = block.ask_all([(read_cue(memory, Cue(rows[row]))[0].values, names) for row, names in blanks])
    answers = (cell for (row, _), each in zip(blanks, found, strict=True) for cell in told(row, each, bar))
    table = arrow.Table.from_batches([batch])
    cells = [cell for cell in answers if cell.filled and holds(arrow, table, cell.field, cell.value)]
    table = put_cells(arrow, table, {(cell.row, cell.field): cell.value for cell in cells})
    if order.notes:
        notes = {(cell.row, cell.field): (cell.confidence, str(cell.source)) for cell in cells}
        table = put_notes(arrow, table, order.targets, notes)
    return table.combine_chunks().to_batches()[0]
