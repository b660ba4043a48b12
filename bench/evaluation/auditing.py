"""Wrong cells found and put right without labels, clean tables left alone, and gaps filled as surely as promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import engine
from bench.evaluation.measures import Floats, ece, ece_floor
from bench.evaluation.trial import Trial
from recollect.memory.table import as_traces
from recollect.model import AuditRequest, FillRequest
from recollect.service.examining import audit_traces
from recollect.service.filling import blank_cells
from recollect.service.promising import Blanks
from recollect.service.standalone import fill_alone

Json = dict[str, Any]
BLANKED, TARGET_ACCURACY = 0.2, 0.95
CLEAN = {"football": 2500, "bird_strikes": 2500, "febrl4": 1500}
FILLED = {"clean_hospital": "truth.jsonl"} | dict.fromkeys(
    ("football", "bird_strikes", "febrl4", "icews14"), "episodes.jsonl"
)
FAST_ROWS = 400
COMPLETE = 0.99  # a field that so many records have is one of which a blank says nothing
SEED = 20240601


def audited_cells(trial: Trial) -> None:
    """The dirty hospital records, audited whole; then clean tables, of which every accusation is false."""
    data = trial.data("clean_hospital")
    dirty = [_fields(record) for record in data.episodes()]
    clean = [_fields(record) for record in data.rows("truth.jsonl")]
    trial.report("hospital")
    found = audit_traces(as_traces(dirty), AuditRequest(), lambda _: None)
    is_wrong = {cell: dirty[cell[0]][cell[1]] != clean[cell[0]][cell[1]] for cell in found.chances}
    trial.figure("audit", data.name, "AUROC of wrong cells", _auroc(found.chances, is_wrong), found.cells)
    right = sum(s.proposed == clean[s.row][s.field] and is_wrong[s.row, s.field] for s in found.suspects)
    total = sum(is_wrong.values())
    reached = 2 * right / (len(found.suspects) + total)
    trial.figure("audit_f1", data.name, "F1, found and put right, no labels", reached, total, baseline=0.755)
    for name, rows in {"clean_hospital": clean, **_clean(trial)}.items():
        trial.report(f"clean {name}")
        found = audit_traces(as_traces(rows), AuditRequest(), lambda _: None)
        trial.figure(
            "audit_clean", name, "share of clean cells accused", len(found.suspects) / found.cells, found.cells
        )


def filled_tables(trial: Trial) -> None:
    """A fifth of the cells blanked, filled from the table itself at a target accuracy: promised and reached."""
    for name, rows in _tables(trial):
        trial.report(name)
        shares = {field: sum(field in row for row in rows) / len(rows) for row in rows[:50] for field in row}
        targets = tuple(field for field, share in shares.items() if share >= COMPLETE)
        rng = np.random.default_rng(SEED)
        table = [
            {field: value for field, value in row.items() if field not in targets or rng.random() >= BLANKED}
            for row in rows
        ]
        request = FillRequest(table, targets, target_accuracy=TARGET_ACCURACY)
        blanks = [(place, tuple(f for f in names if f in rows[place])) for place, names in blank_cells(request)]
        blanks = [blank for blank in blanks if blank[1]]
        found = fill_alone(request, blanks, workers=2)
        traces, kept = as_traces(rows), [cell for cell in found.cells if cell.filled]
        assert found.held_out is not None
        said = np.array([cell.confidence for cell in found.cells])
        is_right = np.array(
            [_is_right(traces, cell.field, cell.value, rows[cell.row][cell.field]) for cell in found.cells]
        )
        trial.figure(
            "fill_ece",
            name,
            "ECE of all cells, beside that of the engine's own confidences",
            ece(said, is_right),
            len(said),
            baseline=ece(_own_confidences(table, blanks), is_right),
            ceiling=ece_floor(said),
        )
        share = len(kept) / found.blank
        trial.figure("fill_share", name, "share of the blanks filled", share, found.blank)
        gap = abs(share - found.held_out.share_filled)
        trial.figure("fill_share_gap", name, "share filled against promised", gap, found.blank)
        if not kept or found.held_out.accuracy is None:
            continue
        right = np.mean([_is_right(traces, cell.field, cell.value, rows[cell.row][cell.field]) for cell in kept])
        trial.figure("fill", name, f"accuracy at a target of {TARGET_ACCURACY}", right, len(kept))
        gap = abs(float(right) - found.held_out.accuracy)
        trial.figure("fill_gap", name, "accuracy reached against promised", gap, len(kept))


def _own_confidences(table: list[Json], blanks: Blanks) -> Floats:
    """float64[n]: how sure the engine is of the blank cells, before known cells put that right."""
    traces = as_traces(table)
    block = engine.Block(traces, engine.attach(traces, None, kernels={}))
    found = block.ask_all([(table[place], names) for place, names in blanks])
    return np.array([each.confidence for answers in found for each in answers])


def _tables(trial: Trial) -> Iterator[tuple[str, list[Json]]]:
    """Every table, whole; of `imputation_uci` its ten."""
    for name, file in FILLED.items():
        yield name, [_fields(row) for row in trial.sample(trial.data(name).rows(file), None, FAST_ROWS)]
    by_name: dict[str, list[Json]] = {}
    for row in trial.data("imputation_uci").episodes():
        by_name.setdefault(row["dataset"], []).append(_fields(row))
    for name, rows in by_name.items():
        yield f"imputation_uci, {name}", trial.sample(rows, None, FAST_ROWS)


def _clean(trial: Trial) -> dict[str, list[Json]]:
    return {
        name: [_fields(record) for record in trial.sample(trial.data(name).episodes(), most, 300)]
        for name, most in CLEAN.items()
    }


def _fields(record: Json) -> Json:
    return {name: value for name, value in record.items() if name not in {"id", "split", "embedding", "dataset"}}


def _is_right(traces: Any, field: str, said: Any, truth: Any) -> bool:
    column = traces.columns[field]
    return said == truth or engine.is_answer(column, column.find(said), truth)


def _auroc(chances: dict[tuple[int, str], float] | Any, is_wrong: dict[tuple[int, str], bool]) -> float:
    """The chance that a wrong cell is likelier wrong than a right one, ties counting half."""
    cells: Sequence[tuple[int, str]] = list(chances)
    scores, wrong = np.array([chances[cell] for cell in cells]), np.array([is_wrong[cell] for cell in cells])
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[place]
    n = int(wrong.sum())
    return float((ranks[wrong].sum() - n * (n + 1) / 2) / (n * (len(wrong) - n))) if len(values) else 0.5
