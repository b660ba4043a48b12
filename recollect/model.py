"""The shared vocabulary: what an episode, a cue, a completion and a space are.

Plain frozen data, no behaviour beyond trivial read-outs. Every layer above the
errors may import this module; it imports nothing of the project.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Scalar = str | int | float | bool
FieldValue = Scalar | list[Scalar]
Fields = Mapping[str, FieldValue]


class DateOrder(StrEnum):
    """Which of a date's numbers comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    YEAR_FIRST = "year_first"


class Origin(StrEnum):
    """How an episode came to be; reconstructed ones are kept out of the evidence by default."""

    OBSERVED = "observed"
    RECONSTRUCTED = "reconstructed"


class FieldType(StrEnum):
    """What kind of values a field holds; learned from the data or set in the space's schema."""

    CATEGORY = "category"
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"
    LIST = "list"


class Source(StrEnum):
    """Where a completed field came from (source monitoring: Johnson, Hashtroudi & Lindsay 1993)."""

    GIVEN = "given"
    RECALLED = "recalled"
    RECONSTRUCTED = "reconstructed"
    CONSOLIDATED = "consolidated"
    IMAGINED = "imagined"


class Action(StrEnum):
    """What a key may do; `admin` includes the others."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as the store knows it: never the secret, only its SHA-256 digest."""

    key_id: str
    digest: bytes
    actions: frozenset[Action]
    spaces: tuple[str, ...] | None  # None: every space
    label: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """A memory space: one tenant or subject, isolated from every other.

    `uid` is the internal id (a deleted and re-created space gets a new one);
    `revision` is the sequence number of the space's last journal entry. `incarnation` names this
    life of the space: one that was deleted and made again, or restored from a backup, has another.
    """

    space_id: str
    uid: int
    revision: int
    created_at: str
    updated_at: str
    description: str = ""
    embedding_dimensions: int | None = None
    schema: Mapping[str, FieldType] = field(default_factory=dict)
    read_only: bool = False
    missing_values: tuple[str, ...] = ()
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class SpaceDraft:
    """The settable part of a space."""

    description: str = ""
    embedding_dimensions: int | None = None
    schema: Mapping[str, FieldType] = field(default_factory=dict)
    read_only: bool = False
    missing_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpaceListing:
    """A page of spaces by id; `next_cursor` continues, None at the end."""

    items: tuple[Space, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FieldStats:
    """One field of a space: in how many episodes, and with how many different values."""

    name: str
    type: FieldType
    episodes: int
    distinct_values: int


@dataclass(frozen=True, slots=True)
class SpaceStats:
    """What a space holds at a revision; `fields` the most frequent first."""

    space_id: str
    revision: int
    episodes: int
    episodes_with_embedding: int
    fields: tuple[FieldStats, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeInput:
    """An episode as a caller hands it in; `embedding` is float32 little-endian, never NaN."""

    fields: Fields
    episode_id: str | None = None
    embedding: bytes | None = None
    occurred_at: str | None = None
    expires_at: str | None = None
    origin: Origin = Origin.OBSERVED
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """A stored episode. `revision` is the space revision that wrote it; with the space's incarnation it makes its ETag.

    `document` is the episode's whole public JSON except the embedding, created_at,
    updated_at and revision included: one closed compact object, encoded once at write.
    A response shows it as it is, or spliced: `document[:-1] + b',"embedding":' + vector + b"}"`.
    """

    episode_id: str
    revision: int
    document: bytes
    embedding: bytes | None = None
    incarnation: str = ""  # of its space, where the service answers with it


@dataclass(frozen=True, slots=True)
class WrittenEpisode:
    """An episode as a write left it. `replayed`: the same Idempotency-Key had written it before."""

    episode: Episode
    created: bool
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeListing:
    """A page of episodes in order of creation; `next_cursor` continues, None at the end."""

    items: tuple[Episode, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EpisodeFilter:
    """Which episodes: every given condition must hold.

    `fields` holds values that must be the same, however they are written; `occurred_after` includes its instant,
    `occurred_before` does not, and neither holds for an episode without `occurred_at`.
    """

    fields: Fields = field(default_factory=dict)
    occurred_after: str | None = None
    occurred_before: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """On whose behalf, in which space and until when an operation runs.

    `ends_at` is the time of the event loop at which the edge ends it.
    """

    space_id: str
    key_id: str = "anonymous"
    spaces: tuple[str, ...] | None = None  # the spaces the key may see; None: all
    request_id: str = ""
    ends_at: float = math.inf


@dataclass(frozen=True, slots=True)
class Cue:
    """The part of an episode that is known.

    `partial_embedding` is float32 little-endian with NaN for unknown dimensions.
    `cue_strength` in [0, 1] says how far the cue itself may be trusted.
    """

    known_fields: Fields = field(default_factory=dict)
    partial_embedding: bytes | None = None
    cue_strength: float = 1.0
    temporal_context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How to complete; None means the service's or the space's own default."""

    ca1_threshold: float | None = None
    num_hypotheses: int = 3
    max_iterations: int | None = None
    pattern_weight: float | None = None
    prior_stored: float | None = None
    coverage: float | None = None


class Inclusion(StrEnum):
    """What an answer tells beyond itself only when asked, because it costs."""

    WHY = "why"
    COUNTERFACTUAL = "counterfactual"
    ASK_NEXT = "ask_next"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class AsOf:
    """Only what was known by one time and happened by another is to answer; None: whenever that was."""

    known_by: str | None = None
    happened_by: str | None = None


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """One completion asked for; `targets` None means every field the cue lacks."""

    cue: Cue
    targets: tuple[str, ...] | None = None
    config: CompletionConfig = field(default_factory=CompletionConfig)
    verbose: bool = False
    include: frozenset[Inclusion] = frozenset()
    as_of: AsOf | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between which a completed number or time lies with the chance `mass` in [0, 1]."""

    low: FieldValue
    high: FieldValue
    mass: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One stored episode's share in an answer: posterior weight and match, both in [0, 1]."""

    episode_id: str
    weight: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where a field came from: the winning source, its masses (sum 1), and the episodes behind it."""

    source: Source
    confidence: float
    masses: Mapping[Source, float] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part of the cue did to the log-odds of an answer, in nats; `factor` = e^nats is that of the odds."""

    field: str
    nats: float
    factor: float


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What a field would be without some of the cue's fields, or without some stored episodes."""

    without_fields: tuple[str, ...]
    without_episodes: tuple[str, ...]
    value: FieldValue
    confidence: float


@dataclass(frozen=True, slots=True)
class PartGroup:
    """Parts of a cue that share what they did together."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why one field: `base` and the contributions add up to the `log_odds` of the answer, in nats."""

    base: float
    log_odds: float
    contributions: tuple[Contribution, ...]
    method: str
    sentence: str
    groups: tuple[PartGroup, ...] = ()
    counterfactuals: tuple[WhyNot, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueSet:
    """Values that hold the true one of a new event with `coverage`; of a number or time its `low` and `high` end.

    `calibrated_on` episodes were asked for it. `size` counts the values, of which the likeliest are listed.
    """

    coverage: float
    calibrated_on: int
    size: int
    values: tuple[FieldValue, ...]
    with_unseen: bool
    low: FieldValue | None = None
    high: FieldValue | None = None


@dataclass(frozen=True, slots=True)
class StatedCondition:
    """That a field is one of some values, or between two; or, `negated`, that it is not."""

    field: str
    one_of: tuple[FieldValue, ...] = ()
    at_least: FieldValue | None = None
    at_most: FieldValue | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ProbabilityRequest:
    """How probable it is, given a cue, that all of some conditions hold."""

    cue: Cue
    statement: tuple[StatedCondition, ...]
    pattern_weight: float | None = None
    prior_stored: float | None = None
    as_of: AsOf | None = None


@dataclass(frozen=True, slots=True)
class StatementProbability:
    """A probability within bounds, and that of every condition by itself, in their order."""

    probability: float
    low: float
    high: float
    alone: tuple[float, ...]
    cue_notes: tuple[CueNote, ...] = ()


@dataclass(frozen=True, slots=True)
class AskNext:
    """A field worth asking for: the confidence in `target` now, and as expected once `field` is known."""

    field: str
    target: str
    confidence: float
    confidence_expected: float


@dataclass(frozen=True, slots=True)
class CurrentValue:
    """What the latest episode with all that a cue says tells of a field: `at` its time, `since` that of the first of
    the last `in_a_row` of `episodes` that say so, `before` what they said until then; see `engine.Current`.
    """

    value: FieldValue
    episode_id: str
    at: str
    since: str
    in_a_row: int
    episodes: int
    before: FieldValue | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Another whole episode that fits the cue, with its posterior probability."""

    fields: Fields
    confidence: float
    differs_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReconstructionStats:
    """How the reconstruction went; energies in nats, timings in milliseconds."""

    ca3_iterations: int
    convergence_achieved: bool
    energy: tuple[float, ...]
    cue_overlap: float
    candidates: int
    match_confidence: float
    plausibility_score: float
    engine_version: str
    space_revision: int
    pattern_sources: tuple[str, ...] = ()
    suspect_fields: Mapping[str, float] = field(default_factory=dict)
    fields_without_evidence: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)


class CueNoteCode(StrEnum):
    """What was noticed while a cue was read."""

    COERCED = "coerced"
    UNKNOWN_FIELD = "unknown_field"
    TYPE_MISMATCH = "type_mismatch"
    UNSEEN_VALUE = "unseen_value"
    TREATED_AS_MISSING = "treated_as_missing"
    EXCHANGED = "exchanged"


@dataclass(frozen=True, slots=True)
class CueNote:
    """How a field of a request was read, where that is not as it stands there.

    `read_as` is what a coerced or an exchanged value was taken for; `nearest` are the known names or stored values most
    like it.
    """

    code: CueNoteCode
    field: str
    message: str
    read_as: FieldValue | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The whole that was made of a part.

    `embedding` is a contiguous float32 array of the space's dimension, or None.
    `intervals` has the completed numbers and times. The parts after it are filled only when the request is
    verbose, the last two when it includes them.
    """

    completion_id: str
    fields: Fields
    completion_confidence: float
    abstained: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    embedding: Any = None
    attribution: Mapping[str, Attribution] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    metacognitive_confidence: float | None = None
    stats: ReconstructionStats | None = None
    cue_notes: tuple[CueNote, ...] = ()
    why: Mapping[str, Why] = field(default_factory=dict)
    ask_next: tuple[AskNext, ...] = ()
    sets: Mapping[str, ValueSet] = field(default_factory=dict)
    current: Mapping[str, CurrentValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FillRequest:
    """A table to be filled: per row its known cells. `targets` None means every column that has a blank.

    With a `target_accuracy` each column's threshold is picked on known cells.
    `may_be_stored`: rows may be stored events.
    """

    rows: Sequence[Fields]
    targets: tuple[str, ...] | None = None
    threshold: float = 0.0
    target_accuracy: float | None = None
    may_be_stored: bool = False


@dataclass(frozen=True, slots=True)
class FilledCell:
    """A blank cell and what was found for it; `supporters` is the effective number of episodes behind it.

    Of a number or time `interval` is where it lies.
    """

    row: int
    field: str
    value: FieldValue
    confidence: float
    source: Source
    supporters: float
    filled: bool
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class HeldOutColumn:
    """Known cells of a column asked as if they were blank: how many, the threshold that they show, what it comes to.

    `threshold` None: nothing of the column is filled.
    """

    field: str
    cells: int
    threshold: float | None
    share_filled: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Known cells asked as if they were blank, and what they let expect of the blanks: the share filled, and right."""

    cells: int
    share_filled: float
    accuracy: float | None
    columns: tuple[HeldOutColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Filling:
    """What was found for the `blank` cells of a table, by row; `filled` of them reach the threshold.

    `cue_notes` name the columns that no episode has a field for.
    """

    cells: tuple[FilledCell, ...]
    blank: int
    filled: int
    threshold: float
    held_out: HeldOut | None = None
    cue_notes: tuple[CueNote, ...] = ()


@dataclass(frozen=True, slots=True)
class PatternRetrieval:
    """What came to mind: how many of the episodes compete, and why they do; the match in [0, 1]."""

    episodes: int
    candidates: int
    from_recollection: int
    from_generalisation: int
    match_confidence: float
    space_revision: int


@dataclass(frozen=True, slots=True)
class CA3Progress:
    """One sweep of the dynamics (0: the state before the first); energy in nats, change in [0, 2].

    `competing` is how many of the candidates still do, by their weights.
    """

    iteration: int
    max_iterations: int
    energy: float
    change: float
    converged: bool
    competing: float


@dataclass(frozen=True, slots=True)
class PartialField:
    """A field that has passed its gate, with the probability that it is right; of a number or time, where it lies."""

    name: str
    value: FieldValue
    confidence: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class PartialResult:
    """Fields that are certain enough, and the share of the targets that are complete by now."""

    fields: tuple[PartialField, ...]
    share_complete: float


# What a completion tells while it happens; the last one is the completion itself.
CompleteProgress = PatternRetrieval | CA3Progress | PartialResult | Completion


@dataclass(frozen=True, slots=True)
class RecalledEpisode:
    """A stored episode as retrieval ranks it: similarity in [0, 1] is not a probability."""

    episode: Episode
    similarity: float
    matched_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """What retrieval found, best first, and how it read the cue."""

    items: tuple[RecalledEpisode, ...]
    cue_notes: tuple[CueNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """How much was erased from one place."""

    place: str
    count: int


@dataclass(frozen=True, slots=True)
class ForgetReceipt:
    """How many episodes match or, unless `dry_run`, how many were erased and from where; of a filter that none meets,
    what no episode can have."""

    dry_run: bool
    count: int
    revision: int
    erased: tuple[Erasure, ...] = ()
    proof: ForgetProof | None = None
    cue_notes: tuple[CueNote, ...] = ()


@dataclass(frozen=True, slots=True)
class ForgetProof:
    """Digests of the answers to cues made of what was erased: before, after, and of a twin that never had it."""

    probes: tuple[Cue, ...]
    before: str
    after: str
    twin: str


@dataclass(frozen=True, slots=True)
class ForgettingCheck:
    """Whether a space answers as a twin does that never had what was erased; `learned_before`: what it has learned,
    it learned while it had that.
    """

    is_forgotten: bool
    digest: str
    twin: str
    learned_before: bool
    revision: int


class Preference(StrEnum):
    """Whose value holds where merged episodes differ: of the first named, or of the latest."""

    FIRST = "first"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Episodes to be made one, the first of which stays; `fields` hold whatever the episodes say."""

    episode_ids: tuple[str, ...]
    prefer: Preference = Preference.FIRST
    fields: Fields = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MergedField:
    """A field of which merged episodes said different things, each once, and what was kept."""

    field: str
    values: tuple[FieldValue, ...]
    kept: FieldValue


@dataclass(frozen=True, slots=True)
class MergeReceipt:
    """The episode that stays, its revision, what it says now (or would, of a dry run), and `episodes` as they were."""

    dry_run: bool
    episode_id: str
    revision: int
    fields: Fields
    differs: tuple[MergedField, ...]
    episodes: tuple[EpisodeInput, ...]
    incarnation: str = ""  # of the space that the revision counts in
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Unmerged:
    """The episodes that stand again, and the space's revision after it."""

    episode_ids: tuple[str, ...]
    revision: int
    replayed: bool = False


class Verdict(StrEnum):
    """Whether a completed value was right."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class FeedbackInput:
    """What is known by now of one completed field; a verdict counts before a true value."""

    completion_id: str
    field: str
    verdict: Verdict | None = None
    true_value: FieldValue | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback as it was taken; `source` is None where the completion was not verbose."""

    feedback_id: str
    completion_id: str
    field: str
    verdict: Verdict
    confidence: float
    source: Source | None
    created_at: str
    revision: int
    incarnation: str = ""  # of the space that the revision counts in


class ConsolidationStatus(StrEnum):
    """How far a consolidation is."""

    NONE = "none"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Consolidation:
    """The last or present consolidation of a space; losses are mean log-losses in nats.

    `code` and `detail` say why it failed.
    """

    status: ConsolidationStatus
    progress: float = 0.0
    started_at: str | None = None
    finished_at: str | None = None
    space_revision: int | None = None
    episodes: int | None = None
    fields_learned: int | None = None
    patterns: int | None = None
    loss_before: float | None = None
    loss_after: float | None = None
    code: str | None = None
    detail: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in {ConsolidationStatus.SUCCEEDED, ConsolidationStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Job:
    """The last or present evaluation or audit of a space; `code` and `detail` say why it failed."""

    status: ConsolidationStatus
    progress: float = 0.0
    started_at: str | None = None
    finished_at: str | None = None
    space_revision: int | None = None
    episodes: int | None = None
    code: str | None = None
    detail: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in {ConsolidationStatus.SUCCEEDED, ConsolidationStatus.FAILED}


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What to evaluate: the fields (None: all), at most so many cells of each, and the accuracy to be reached."""

    fields: tuple[str, ...] | None = None
    cases: int = 300
    target_accuracy: float = 0.95


@dataclass(frozen=True, slots=True)
class Quality:
    """How held-out cells were answered; shares in [0, 1], losses in nats, None where there is too little to say.

    At `threshold` a `coverage` of the answers is kept, of which `accuracy_kept` are right.
    """

    cases: int
    accuracy: float
    base_rate: float
    neighbours_accuracy: float
    mean_confidence: float
    log_loss: float
    base_log_loss: float
    ece: float | None
    brier: float | None
    bins: tuple[CalibrationBin, ...]
    threshold: float
    coverage: float
    accuracy_kept: float | None
    mean_absolute_error: float | None = None
    base_mean_absolute_error: float | None = None


@dataclass(frozen=True, slots=True)
class FieldEvaluation:
    """How the cells of one field were answered."""

    field: str
    type: FieldType
    quality: Quality


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A cell that was answered wrong, and how sure of it the answer was."""

    episode_id: str
    field: str
    value: FieldValue
    answered: FieldValue
    confidence: float
    source: Source


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How far an evaluation is and what it found: over all cells, by field, and the surest wrong answers."""

    job: Job
    target_accuracy: float | None = None
    overall: Quality | None = None
    fields: tuple[FieldEvaluation, ...] = ()
    worst: tuple[WorstCase, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit: the fields (None: all), the field that names an episode's source, the chance that accuses."""

    fields: tuple[str, ...] | None = None
    source_field: str | None = None
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class SuspectCell:
    """A stored cell that is probably wrong; `kind` is `typo`, `elsewhere` or `other`."""

    episode_id: str
    field: str
    value: FieldValue
    chance: float
    kind: str
    proposed: FieldValue | None
    proposed_chance: float
    evidence: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class SourceRate:
    """How often the cells of one source are wrong."""

    source: FieldValue
    cells: int
    rate: float


@dataclass(frozen=True, slots=True)
class EpisodeGroup:
    """Episodes that say the same, but for one field where `differs_in` names it."""

    episode_ids: tuple[str, ...]
    differs_in: str | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """How far an audit is and what it found: a page of suspects, the likeliest first, and what is beside them."""

    job: Job
    cells: int | None = None
    suspects: int | None = None
    field_rates: Mapping[str, float] = field(default_factory=dict)
    source_rates: tuple[SourceRate, ...] = ()
    groups: tuple[EpisodeGroup, ...] = ()
    items: tuple[SuspectCell, ...] = ()
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LearnedPattern:
    """A regularity as the stored episodes have it now; `strength` is support x log lift, in nats."""

    pattern_id: str
    statement: str
    given: Fields
    then: Fields
    support: int
    strength: float
    lift: float
    probability: float


@dataclass(frozen=True, slots=True)
class PatternListing:
    """A page of regularities, the strongest first."""

    items: tuple[LearnedPattern, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Answers of similar confidence: how many, between which bounds, their mean, and the share that was right."""

    n: int
    lower: float
    upper: float
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often answers with a confidence were right; ECE and Brier are None while there are too few.

    `distribution` counts the answers by confidence, in equal steps from 0 to 1. `prior_stored` is the space's own
    chance that a cue means a stored event.
    """

    is_fitted: bool
    n: int
    ece: float | None
    brier: float | None
    bins: tuple[CalibrationBin, ...]
    method: str
    fitted_at: str | None
    feedback: int = 0
    distribution: tuple[int, ...] = ()
    prior_stored: float = 0.5


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """What two episodes say of one field."""

    field: str
    values: tuple[FieldValue, FieldValue]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two episodes that probably tell of one event, the chance of it, and what they say differently."""

    episode_ids: tuple[str, str]
    probability: float
    differs: tuple[FieldDifference, ...]


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A value, in how many episodes it stands, the first of them, and when the latest of those happened, if known."""

    value: FieldValue
    episodes: int
    episode_ids: tuple[str, ...]
    latest_at: str | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What episodes of one event or `entity` say differently of a field; `current` is what the latest says, if known.

    `probability` in [0, 1] that they are of one.
    """

    field: str
    values: tuple[StatedValue, ...]
    probability: float
    entity: FieldValue | None = None
    current: FieldValue | None = None


class ThresholdStatus(StrEnum):
    """Whether a threshold may be acted by; `contradicted` by later feedback, `drifted`: the world has changed since."""

    HOLDS = "holds"
    TOO_FEW = "too_few"
    NOT_REACHED = "not_reached"
    CONTRADICTED = "contradicted"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which confidence on answers may be acted upon; see `engine.Acting`. `latest` answers were kept, as judged
    by feedback, `latest_right` of them right. None while there are too few answers, or where none reaches it.
    """

    status: ThresholdStatus
    target_accuracy: float
    n: int
    threshold: float | None = None
    share: float | None = None
    accuracy: float | None = None
    at_least: float | None = None
    assist_threshold: float | None = None
    assist_share: float | None = None
    latest: int = 0
    latest_right: int = 0
    fitted_at: str | None = None


class ImportFormat(StrEnum):
    """How an import arrives: parsed JSON items, lines of JSON, CSV with a header, or a file of any known kind."""

    ITEMS = "items"
    JSONL = "jsonl"
    CSV = "csv"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record of an import that was not taken, and why; `pointer` is relative to the record."""

    line: int
    pointer: str
    code: str
    reason: str


class ColumnRole(StrEnum):
    """What a table's column becomes: a field, a member of the episode, or nothing."""

    FIELD = "field"
    ID = "id"
    OCCURRED_AT = "occurred_at"
    EXPIRES_AT = "expires_at"
    ORIGIN = "origin"
    EMBEDDING = "embedding"
    EMBEDDING_B64 = "embedding_b64"
    METADATA = "metadata"
    INDEX = "index"  # counts the rows, as some programs add
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """How one column was read; `name` is the field's, None where it becomes none.

    `known` and `missing` count cells, `coerced` those stored otherwise than spelled.
    `missing_values` were taken for gaps, `missing_candidates` look like it and were not.
    `outliers` are examples of cells that do not fit the type and stayed text. With
    `is_ambiguous` the cells would read as well in another order, or by another decimal mark.
    """

    column: str
    role: ColumnRole
    name: str | None
    type: FieldType | None
    known: int
    missing: int
    distinct: int
    coerced: int = 0
    missing_values: Mapping[str, int] = field(default_factory=dict)
    missing_candidates: Mapping[str, int] = field(default_factory=dict)
    outliers: tuple[str, ...] = ()
    outliers_total: int = 0
    date_order: DateOrder | None = None
    decimal: str = ""
    unit: str = ""
    is_ambiguous: bool = False
    sample: str | None = None


@dataclass(frozen=True, slots=True)
class TableReport:
    """How a table is written, as found or as told; empty where it does not apply.

    `header_line` is 0 in a table without a header, `units_line` in one without a line of units.
    `sheets` are those of a spreadsheet, `sheet` the one that was read.
    """

    format: str
    compression: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    decimal: str = ""
    header_line: int = 1
    columns: tuple[ColumnReport, ...] = ()
    sheets: tuple[str, ...] = ()
    units_line: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with `preview` would do. `next_line` is where to resume.

    accepted + rejected_total = records; new + replaced + duplicate = accepted. A duplicate
    is stored already, to the letter. `coerced` counts cells stored otherwise than spelled.
    """

    accepted: int
    rejected: tuple[Rejection, ...]
    rejected_total: int
    next_line: int
    revision: int
    field_types: Mapping[str, FieldType] = field(default_factory=dict)
    records: int = 0
    new: int = 0
    replaced: int = 0
    duplicate: int = 0
    coerced: int = 0
    preview: bool = False
    table: TableReport | None = None
