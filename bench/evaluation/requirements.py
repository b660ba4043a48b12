"""What every figure must reach and what it aims for, and the verdict on what it reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.evaluation.trial import Figure

SLACK = 1e-9
LEAST_LEAD = 1e-6  # above means above


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the table. `must` and `aim` are bounds from below, or from above where `is_upper`.

    `must_of` and `aim_of` derive the bound from the figure itself (its baseline or ceiling).
    """

    row: str
    title: str
    must: float | None = None
    aim: float | None = None
    is_upper: bool = False
    must_of: Callable[[Figure], float | None] | None = None
    aim_of: Callable[[Figure], float | None] | None = None

    def bound(self, figure: Figure) -> float | None:
        """What this figure must reach."""
        return self.must_of(figure) if self.must_of is not None else self.must

    def goal(self, figure: Figure) -> float | None:
        """What this figure is to reach at best."""
        return self.aim_of(figure) if self.aim_of is not None else self.aim

    def verdict(self, figure: Figure) -> str:
        """aim, holds, falls short, or nothing where nothing is required."""
        if math.isnan(figure.reached):
            return "not measured"
        must, aim = self.bound(figure), self.goal(figure)
        if aim is not None and self._meets(figure.reached, aim):
            return "aim"
        if must is None:
            return ""
        return "holds" if self._meets(figure.reached, must) else "**falls short**"

    def _meets(self, reached: float, bound: float) -> bool:
        return reached <= bound + SLACK if self.is_upper else reached >= bound - SLACK


def _or_floor(must: float) -> Callable[[Figure], float | None]:
    """A bound on an ECE, or .01 above what sampling alone makes of it (the figure's ceiling), if that is more."""
    return lambda figure: max(must, (figure.ceiling or 0.0) + 0.01)


def _calibrated(row: str, title: str, match: float, pooled: float, new: float | None = None) -> tuple[Requirement, ...]:
    """The rows of cues half of which are new."""
    return (
        Requirement(f"{row}_match", f"{title}: ECE of the match", must_of=_or_floor(match), is_upper=True),
        Requirement(f"{row}_ece", "... ECE", must_of=_or_floor(pooled), is_upper=True),
        Requirement(f"{row}_exact", "... worst group by exact matches", must_of=_or_floor(0.05), is_upper=True),
        Requirement(f"{row}_source", "... worst source", must_of=_or_floor(0.05), is_upper=True),
        Requirement(f"{row}_new", "... told new", must_of=None if new is None else _or_floor(new), is_upper=True),
        Requirement(f"{row}_stored", "... told stored", is_upper=True),
        Requirement(f"{row}_recalled_new", "... recalled where told new", 0.0, is_upper=True),
    )


def _oracle_or(least: float) -> Callable[[Figure], float | None]:
    """95 % of what the oracle got right on the same cues; and `least` where its bound allows that."""

    def bound(figure: Figure) -> float | None:
        oracle, allowed = figure.baseline or 0.0, figure.ceiling or 0.0
        return max(0.95 * oracle, least if min(oracle, allowed) >= least else 0.0)

    return bound


def _less_one_point(figure: Figure) -> float | None:
    return None if figure.baseline is None else figure.baseline - 0.01


def _above_baseline(figure: Figure) -> float | None:
    return None if figure.baseline is None else figure.baseline + LEAST_LEAD


def _baseline(figure: Figure) -> float | None:
    return figure.baseline


REQUIREMENTS: Sequence[Requirement] = (
    Requirement("stored", "Stored cues, clean", 0.99, 1.0),
    Requirement("ideal", "... ideal confidence", 0.05, None, is_upper=True),
    Requirement("ideal_gap", "... against the exact share"),
    Requirement("noisy", "One cue field corrupted", 0.985, 0.995),
    Requirement("absent", "Nothing stored matches", 0.97, 0.99),
    Requirement("new", "New events", must_of=_above_baseline),
    Requirement("new_boosted", "... against tuned boosting", must_of=_less_one_point, aim_of=_above_baseline),
    Requirement("new_ece", "... calibration", None, 0.03, is_upper=True),
    Requirement("new_brier", "... Brier", None, None, is_upper=True, must_of=_baseline),
    Requirement("new_number", "... numbers", None, None, is_upper=True, must_of=_baseline),
    *(
        Requirement(f"removed_{share}{wrong}", title, must_of=_oracle_or(least))
        for share, clean, damaged in ((30, 0.85, 0.80), (50, 0.70, 0.65), (70, 0.50, 0.40))
        for wrong, least, title in (
            ("", clean, f"{share} % of fields removed"),
            ("_wrong", damaged, f"{share} % removed, 10 % wrong"),
        )
    ),
    Requirement("relations_MRR", "Who and whom in time", 0.60, 0.645),
    Requirement("relations_Hits@1", "Who and whom in time", 0.51, 0.57),
    Requirement("relations_Hits@10", "Who and whom in time", 0.75, 0.78),
    Requirement("relations_ece", "... calibration by what is counted"),
    Requirement("number", "Numeric cells, 30 % missing", is_upper=True, must_of=_baseline),
    Requirement("number_beats", "... tables", 0.9, 1.0),
    Requirement("number_mean", "... mean", aim=1.009, is_upper=True, must_of=_baseline),
    Requirement("events", "Events of a book", 1.0),
    Requirement("events_noisy", "... misspelt cues", None, 0.98),
    Requirement("fragments", "... text fragments", None, 0.93),
    Requirement("fragment_values", "... text fragments"),
    Requirement("cells", "Corrupted cells put right", 0.90, 0.97),
    Requirement("cells_gated", "... gated"),
    Requirement("audit", "Wrong cells found without labels", 0.99, 0.995),
    Requirement("audit_f1", "... and put right", 0.80, 0.90),
    Requirement("audit_clean", "... accused in clean tables", 0.01, 0.003, is_upper=True),
    Requirement("fill", "Tables filled at a target accuracy"),
    Requirement("fill_gap", "... accuracy against promised", 0.01, None, is_upper=True),
    Requirement("fill_ece", "... calibration"),
    Requirement("fill_share", "... share of the blanks"),
    Requirement("fill_share_gap", "... share against promised", 0.01, None, is_upper=True),
    Requirement("person_full", "Person, whole cue", 0.995),
    Requirement("person", "Person behind a noisy record", 0.985, 0.995),
    Requirement("person_absent", "... or nobody", 0.92, 0.97),
    Requirement("vector_half_mask_0.5", "Vectors", 0.99, 1.0),
    Requirement("vector_half_zeroed_0.5", "Vectors", 0.99, 1.0),
    Requirement("vector_noise_0.5", "Vectors", 0.95, 0.97),
    Requirement("vector_half_mask_0.75", "Vectors"),
    Requirement("vector_random_mask_0.5", "Vectors"),
    Requirement("vector_random_mask_0.8", "Vectors"),
    Requirement("vector_noise_0.25", "Vectors"),
    Requirement("lure", "False memory", 0.15, 0.05, is_upper=True),
    Requirement("lure_recalled", "... labelled recalled", 0.0, 0.0, is_upper=True),
    Requirement("lure_other", "... other lures"),
    Requirement("lure_hits", "... hits", 0.8),
    Requirement("lure_norms", "... against published norms"),
    *_calibrated("mixed", "Mixed cues", 0.02, 0.03),
    Requirement(
        "mixed_right", "... right, against the better pure reading", must_of=lambda f: (f.baseline or 0.0) - 0.01
    ),
    *_calibrated("ordinary", "Ordinary tables by lot", 0.05, 0.03, new=0.04),
    Requirement("ordinary_right", "... right, against the better pure reading"),
    Requirement("ordinary_new_right", "... new cues, names right", must_of=lambda f: f.baseline),
    Requirement("ordinary_new_loss", "... new cues, log-loss of names", must_of=lambda f: f.baseline, is_upper=True),
    Requirement("ordinary_new_error", "... new cues, numbers", must_of=lambda f: f.baseline, is_upper=True),
    Requirement("ordinary_won", "... tables with no higher log-loss", 0.80),
    Requirement("calibration", "Calibration, pooled: ECE", 0.03, 0.02, is_upper=True),
    Requirement("calibration_field", "... worst field", 0.07, None, is_upper=True),
    Requirement("calibration_field_few", "... fields of fewer answers"),
    Requirement("calibration_source", "... worst source", 0.05, None, is_upper=True),
    Requirement("calibration_task", "... per task", None, None, is_upper=True),
    Requirement("attribution", "Attribution: right when recalled", 0.95, 0.98),
    Requirement("attribution_order", "... labels strictly ordered", 1.0),
    Requirement("attribution_label", "... right per label"),
    Requirement("planted", "... planted provenance", 0.80, 0.90),
    Requirement("metacognition", "Metacognition: AUROC2", 0.80),
    Requirement("metacognition_thirds", "... ECE of top over bottom third", 0.5, None, is_upper=True),
    Requirement("refused", "Abstention", 0.90, 0.97),
    Requirement("refused_wrongly", "... wrong refusals", 0.05, None, is_upper=True),
    Requirement("refused_by_confidence", "... at another threshold"),
    Requirement("refused_by_match", "... by the match", 0.90, 0.97),
    Requirement("refused_kind", "... by kind"),
    Requirement("advice", "Advice of a 422", 0.6, 0.8),
    Requirement("advice_bias", "... bias"),
    Requirement("advice_works", "... machine-applicable", 1.0),
    Requirement(
        "within",
        "Truth within winner + 3 hypotheses",
        must_of=lambda f: (f.baseline or 0.0) + 0.10,
    ),
    Requirement("within_task", "... per task, beside the winner alone"),
    Requirement("energy_rises", "Dynamics: energy increases", 0.0, None, is_upper=True),
    Requirement("within_theta", "... converged within 7", 0.99),
    Requirement("sweeps", "... mean sweeps", None, 3.0, is_upper=True),
    Requirement("miscounted", "... counts that are not the true count", 0.0, None, is_upper=True),
    Requirement("odd_fact", "One odd fact, asked at once", 1.0),
    Requirement("odd_recalled", "... labelled recalled", 1.0),
    Requirement("write_delete", "Write then delete", 1.0),
    Requirement("capacity", "Capacity (synthetic, Zipf)", must_of=lambda f: 0.95 * (f.baseline or 0.0)),
)
BY_ROW = {requirement.row: requirement for requirement in REQUIREMENTS}
