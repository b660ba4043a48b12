"""Numeric tables: attention over stored rows with learned widths, and one Gaussian as schema.

A cue scores a stored row k, for target g, by

    s_g(k) = sum_f sum_j w_gfj l_fj(q_f, x_kf)      l_fj = log[e + (1 - e) K_j(|u - u'|) / mean K_j]

with narrow and broad Laplace kernels K_j on the ranks u; the learned mixture of widths is the
learned bandwidth. The schema adds one more field per target: the conditional mean of g under
one Gaussian over raw values and normal scores (`gaussian`), compared by the
same kernels: a similar expected value is evidence like any other. P_G puts softmax(s) on the stored
rows, and from there around their values (`engine.generalisation.smoothing`). Weights w >= 0 minimise the
leave-one-out continuous ranked probability score, a proper score whose point answer is the median
(Gneiting & Raftery 2007), by projected Adam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engine.generalisation import smoothing
from engine.generalisation.descent import adam
from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.learning import Fitted, Parameters, Report, judge
from engine.generalisation.numeric.gaussian import Gaussian, Scale
from engine.generalisation.smoothing import Residual
from engine.generalisation.softmax import softmax
from engine.memory import holdout
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, place
from engine.priors import (
    EXCLUDED_SINGLE,
    LOSS_ROWS,
    NUMBER_BATCH,
    NUMBER_FAR_APART,
    NUMBER_PRIOR,
    NUMBER_PULL,
    NUMBER_RATE,
    NUMBER_ROWS,
    NUMBER_ROWS_LEAST,
    NUMBER_STEPS,
    NUMBER_WIDTHS,
    RESIDUAL_WIDTHS,
    ROWS_LEARNED,
    SCHEMA_PRIOR,
    SCHEMA_WIDTHS,
    SEED,
    THRESHOLDS,
)

SILENT = np.float32(EXCLUDED_SINGLE)

Matrix = npt.NDArray[np.float32]


class NumericLearner:
    """For spaces whose fields are mostly numbers."""

    name = "numeric"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The number fields of a table in which they are the rule."""
        names = _number_fields(traces)
        is_table = len(names) >= 3 and 2 * len(names) >= len(traces.columns)
        return names if is_table and NUMBER_ROWS_LEAST <= traces.size <= NUMBER_ROWS else ()

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Weights for every target at once, and once more without the episodes set apart, to judge by them.

        Cost O(NUMBER_STEPS NUMBER_BATCH N F) each.
        """
        names = _number_fields(traces)
        whole = self._learned(traces, names, report)
        rest = traces.without(holdout.set_apart(traces))
        past = self._learned(rest, names, lambda _done: None)
        return Fitted(whole, judge(self.attach(rest, rest.size, past), traces, rest, targets), past)

    def _learned(self, traces: Traces, names: Sequence[str], report: Report) -> Parameters:
        rows = number_rows(traces, names, traces.size)
        learned = rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS_LEARNED)).astype(np.intp)]
        gaussian = Gaussian.fit(learned)
        parameters = {
            "names": np.array(names),
            "weights": _learn(_Rows(learned, gaussian), report),
            "mean": gaussian.mean,
            "covariance": gaussian.covariance,
            "centre": gaussian.centre,
            "spread": gaussian.spread,
        }
        head = self.attach(traces, traces.size, parameters)
        return parameters | {"residuals": np.array([head.learn_residual(name) for name in names])}

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> NumericHead:
        """The head over the first `rows` episodes."""
        names = [str(name) for name in parameters["names"]]
        stored = number_rows(traces, names, rows)
        gaussian = Gaussian(*(parameters[k] for k in ("mean", "covariance", "centre", "spread")))
        learned = parameters.get("residuals", np.tile([0.0, RESIDUAL_WIDTHS[0]], (len(names), 1)))
        return NumericHead(traces, names, _Rows(stored, gaussian), parameters["weights"], learned)


class NumericHead:
    """Attention over the stored rows of a numeric table."""

    def __init__(self, traces: Traces, names: Sequence[str], rows: _Rows, weights: Matrix, learned: Floats) -> None:
        self._traces, self._names, self._rows, self._weights = traces, list(names), rows, weights
        self._residuals = [Residual(float(share), float(width)) for share, width in learned]

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the cue has none of the table's numbers."""
        row = np.array([_number(cue.get(name)) for name in self._names])
        if target not in self._names or not np.isfinite(row).any():
            return None
        return self._read(row, self._names.index(target), self._traces.columns[target])

    def learn_residual(self, target: str) -> tuple[float, float]:
        """(share, width) of the residual kernel that suits the target's rows best, each left out of its own memory."""
        g, column = self._names.index(target), self._traces.columns.get(target)
        asked = self._asked(g)
        if column is None or not len(asked):
            return 0.0, RESIDUAL_WIDTHS[0]
        codes = column.codes[asked].astype(np.intp)
        p = np.array([self._attend(g, column, k) for k in asked.tolist()])
        residual = smoothing.fit(column, p, column.numbers[codes], codes)
        return residual.share, residual.width

    def _asked(self, g: int) -> npt.NDArray[np.intp]:
        """The rows that are left out by turns: at most LOSS_ROWS that have the target."""
        known = np.flatnonzero(self._rows.known[g])
        return known[np.linspace(0, len(known) - 1, min(len(known), LOSS_ROWS)).astype(np.intp)]

    def _attend(self, g: int, column: Column, left_out: int) -> Floats:
        row = self._rows.values[left_out].copy()
        row[g] = np.nan
        return self._shares(row, g, column, left_out)[0]

    def _read(self, row: Floats, g: int, column: Column) -> Generalisation:
        p, kernel_only = self._shares(row, g, column)
        residual = self._residuals[g]
        spread, kernel_only = residual.spread(column, p), residual.spread(column, kernel_only).p
        beta = np.log((spread.p + 1e-12) / (kernel_only + 1e-12))
        return Generalisation(spread.p, kernel_only, background(column), beta, spread.novel, spread.around)

    def _shares(self, row: Floats, g: int, column: Column, left_out: int | None = None) -> tuple[Floats, Floats]:
        """What the stored rows put on the target's values: by all evidence, and by the fields' kernels alone."""
        shared, own = self._rows.evidence(row[None])
        bases = shared.shape[0]
        kernel = (self._weights[g, :bases] @ shared).astype(np.float64)
        whole = kernel + (self._weights[g, bases:] @ own[g]).astype(np.float64)
        codes = column.codes[: self._rows.size]
        return self._share(whole, g, codes, column, left_out), self._share(kernel, g, codes, column, left_out)

    def _share(
        self, scores: Floats, g: int, codes: npt.NDArray[np.int32], column: Column, left_out: int | None
    ) -> Floats:
        has = self._rows.known[g] & (codes != MISSING)
        if left_out is not None:
            has[left_out] = False
        if not has.any():
            m = background(column)
            uninformed: Floats = m / m.sum()
            return uninformed
        r = np.exp(scores[has] - scores[has].max())
        p = np.bincount(codes[has], weights=r, minlength=column.distinct).astype(np.float64)
        share: Floats = p / p.sum()
        return share


class _Rows:
    """Stored rows float64[N, F] (NaN: missing), coded by rank levels, with the tables between levels."""

    def __init__(self, values: Floats, gaussian: Gaussian) -> None:
        self.values, self.gaussian = values, gaussian
        self.size, self.fields = values.shape
        self.known = np.isfinite(values).T
        self.scales = [Scale(values[:, f]) for f in range(self.fields)]
        self.codes = [scale.code(values[:, f]) for f, scale in enumerate(self.scales)]
        self.tables = [_tables(scale, NUMBER_WIDTHS) for scale in self.scales]
        means = gaussian.conditional_means(values, self.scales)
        self.own_scales = [Scale(means[:, g]) for g in range(self.fields)]
        self.own_codes = [scale.code(means[:, g]) for g, scale in enumerate(self.own_scales)]
        self.own_tables = [_tables(scale, SCHEMA_WIDTHS) for scale in self.own_scales]

    def shared(self, codes: Sequence[npt.NDArray[np.int32]]) -> Matrix:
        """float32[F J, cues N]: the evidence of every field and width of some coded cues."""
        cues = len(codes[0])
        out = np.empty((self.fields * len(NUMBER_WIDTHS), cues, self.size), np.float32)
        for f, tables in enumerate(self.tables):
            for j, table in enumerate(tables):
                np.take(table[codes[f]], self.codes[f], axis=1, out=out[f * len(NUMBER_WIDTHS) + j], mode="clip")
        return out.reshape(len(out), -1)

    def own(self, g: int, codes: npt.NDArray[np.int32]) -> Matrix:
        """float32[J', cues N]: the evidence of the expected value of target g."""
        return np.stack([np.take(table[codes], self.own_codes[g], axis=1).ravel() for table in self.own_tables[g]])

    def evidence(self, rows: Floats) -> tuple[Matrix, list[Matrix]]:
        """(shared, own per target) of some cue rows."""
        means = self.gaussian.conditional_means(rows, self.scales)
        shared = self.shared([scale.code(rows[:, f]) for f, scale in enumerate(self.scales)])
        return shared, [self.own(g, scale.code(means[:, g])) for g, scale in enumerate(self.own_scales)]


def _tables(scale: Scale, widths: Sequence[float]) -> Matrix:
    """float32[J, L + 1, L + 1] of l between rank levels; the last level, missing, says nothing."""
    distance = np.abs(scale.rank[:, None] - scale.rank[None])
    tables = np.zeros((len(widths), len(scale.rank) + 1, len(scale.rank) + 1), np.float32)
    for j, width in enumerate(widths):
        kernel = np.exp(-distance / width)
        mean = float(scale.mass @ kernel @ scale.mass) or 1.0
        tables[j, :-1, :-1] = np.log(NUMBER_FAR_APART + (1.0 - NUMBER_FAR_APART) * kernel / mean)
    return tables


def _learn(rows: _Rows, report: Report) -> Matrix:
    """float32[F, F J + J']: projected Adam on the leave-one-out ranked probability score of every target."""
    bases, own = rows.fields * len(NUMBER_WIDTHS), len(SCHEMA_WIDTHS)
    allowed = (np.arange(bases)[None] // len(NUMBER_WIDTHS) != np.arange(rows.fields)[:, None]).astype(np.float32)
    mask = np.concatenate([allowed, np.ones((rows.fields, own), np.float32)], axis=1)
    prior = mask * np.concatenate([np.full(bases, NUMBER_PRIOR), np.full(own, SCHEMA_PRIOR)]).astype(np.float32)
    grids = [_grid(rows, g) for g in range(rows.fields)]
    rng, steps = np.random.default_rng(SEED), iter(range(NUMBER_STEPS))

    def slope(at: Floats) -> Floats:
        report(next(steps) / NUMBER_STEPS)
        w = at.reshape(prior.shape).astype(np.float32)
        batch = rng.choice(rows.size, min(NUMBER_BATCH, rows.size), replace=False)
        found: Floats = mask * (_gradient(rows, w, batch, grids) + NUMBER_PULL * (w - prior) / bases)
        return found.ravel().astype(np.float64)

    learned = adam(slope, prior.ravel().astype(np.float64), np.zeros(prior.size), NUMBER_STEPS, NUMBER_RATE)
    return learned.reshape(prior.shape).astype(np.float32)


def _gradient(rows: _Rows, w: Matrix, batch: npt.NDArray[np.intp], grids: Sequence[tuple[Matrix, Matrix]]) -> Matrix:
    """d score / d weights, each row of the batch left out of its own memory."""
    shared = rows.shared([codes[batch] for codes in rows.codes])
    bases, out = len(shared), np.zeros_like(w)
    scores = (w[:, :bases] @ shared).reshape(rows.fields, len(batch), rows.size)
    for g, (below, gap) in enumerate(grids):
        known = rows.known[g][batch]
        if not len(gap) or not known.any():
            scores[g] = 0.0
            continue
        own = rows.own(g, rows.own_codes[g][batch])
        scores[g] += (w[g, bases:] @ own).reshape(len(batch), -1)
        scores[g, :, ~rows.known[g]] = SILENT
        scores[g, np.arange(len(batch)), batch] = SILENT  # each leaves itself out
        r = softmax(scores[g])
        slope = 2.0 * ((r @ below - below[batch]) * (gap * known[:, None] / known.sum())) @ below.T
        slope -= np.einsum("ij,ij->i", slope, r)[:, None]
        scores[g] = r * slope
        out[g, bases:] = own @ scores[g].ravel()
    out[:, :bases] = scores.reshape(rows.fields, -1) @ shared.T
    return out


def _grid(rows: _Rows, g: int) -> tuple[Matrix, Matrix]:
    """Thresholds of target g as 0/1 columns over the rows [N, J], and their weights (sum 1 / prior score)."""
    y = rows.values[rows.known[g], g]
    atoms = np.unique(y)
    if len(atoms) < 2:
        return np.zeros((rows.size, 0), np.float32), np.zeros(0, np.float32)
    if len(atoms) - 1 <= THRESHOLDS:
        at, gap = atoms[:-1], np.diff(atoms)
    else:
        at = np.unique(np.quantile(y, (np.arange(THRESHOLDS) + 0.5) / THRESHOLDS))
        gap = np.diff(np.concatenate([[y.min()], (at[1:] + at[:-1]) / 2, [y.max()]]))
    below = (np.nan_to_num(rows.values[:, g], nan=np.inf)[:, None] <= at[None]).astype(np.float32)
    share = below[rows.known[g]].mean(axis=0)
    return below, (gap / max(float(gap @ (share * (1 - share))), 1e-12)).astype(np.float32)


def number_rows(traces: Traces, names: Sequence[str], rows: int) -> Floats:
    """float64[rows, F] of the named fields, NaN where an episode lacks one."""
    columns = []
    for name in names:
        column = traces.columns.get(name)
        if column is None:
            columns.append(np.full(rows, np.nan))
        else:
            codes = column.codes[:rows]
            columns.append(np.where(codes == MISSING, np.nan, column.numbers[codes]))
    return np.stack(columns, axis=1)


def _number_fields(traces: Traces) -> list[str]:
    return [name for name, column in traces.columns.items() if column.kind == "number" and column.distinct > 1]


def _number(value: Value | None) -> float:
    return float("nan") if value is None or isinstance(value, (bool, str)) else place(value)
