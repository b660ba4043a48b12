"""Evidence from vectors: whole, partly unknown, zeroed, noisy of either shape; exact, and calibrated."""

from __future__ import annotations

from collections.abc import Callable
from math import lgamma, log, pi

import numpy as np
import numpy.typing as npt
import pytest

from engine import CueInput, Options, Schema, Traces, Weights
from engine.answer.posterior import Posterior
from engine.memory import spectrum, vectors
from engine.memory.spectrum import Spectrum
from engine.memory.vectors import Vectors

SEED = 20240601
Matrix = npt.NDArray[np.float32]
Damage = Callable[[Matrix, np.random.Generator], Matrix]


def remember(rows: Matrix) -> Vectors:
    memory = Vectors(rows.shape[1])
    for row in rows:
        memory.append(row)
    return memory


class Topics:
    """Embeddings as texts have them: topics, and within them correlated differences (power-law spectrum)."""

    def __init__(self, count: int = 600, dimensions: int = 768, topics: int = 30) -> None:
        rng = np.random.default_rng(SEED)
        turned, _ = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))
        share = 1.0 / np.arange(1, dimensions + 1) ** 0.9
        self.factor = turned * np.sqrt(0.5 * share / share.sum())
        self.topic = rng.integers(topics, size=count)
        middles = rng.normal(size=(topics, dimensions)) @ self.factor.T
        self.rows = (middles[self.topic] + self.differences(count, rng)).astype(np.float32)

    def differences(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """What two wordings of the same differ by."""
        return rng.normal(size=(count, len(self.factor))) @ self.factor.T


TOPICS = Topics()


def masked(share: float) -> Damage:
    return lambda x, rng: np.where(rng.random(x.shape) < share, np.float32(np.nan), x)


def zeroed(share: float) -> Damage:
    return lambda x, rng: np.where(rng.random(x.shape) < share, np.float32(0), x)


def noised(size: float) -> Damage:
    return lambda x, rng: (x + size * TOPICS.rows.std() * rng.normal(size=x.shape)).astype(np.float32)


def reworded(size: float) -> Damage:
    return lambda x, rng: (x + size * TOPICS.differences(len(x), rng)).astype(np.float32)


def dimmed(x: Matrix, rng: np.random.Generator) -> Matrix:
    return noised(0.5)(np.float32(0.7) * x + np.float32(0.02), rng)


def reworded_and_masked(x: Matrix, rng: np.random.Generator) -> Matrix:
    return masked(0.9)(reworded(1.0)(x, rng), rng)


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (masked(0.5), 1.0), (masked(0.95), 1.0), (zeroed(0.5), 1.0), (noised(1.0), 1.0), (noised(4.0), 0.9),
        (noised(8.0), 0.2), (reworded(1.0), 1.0), (reworded(2.0), 0.95), (reworded_and_masked, 0.95),
        (dimmed, 0.95),
    ],
    ids=["half", "most", "zeroed", "noise", "much noise", "drowned", "reworded", "far reworded", "reworded, masked",
         "dimmed"],
)  # fmt: skip
def test_a_damaged_embedding_is_found_as_often_as_it_says(damage: Damage, least: float) -> None:
    memory, rng = remember(TOPICS.rows), np.random.default_rng(SEED)
    asked = rng.choice(memory.size, 50, replace=False)
    right, confidence = [], []
    for k, cue in zip(asked, damage(TOPICS.rows[asked], rng), strict=True):
        p = shares(memory.evidence(cue))
        right.append(int(p.argmax()) == k)
        confidence.append(p.max())
    print(f"right {np.mean(right):.3f}, confidence {np.mean(confidence):.3f}, seed {SEED}")
    assert np.mean(right) >= least
    assert abs(np.mean(right) - np.mean(confidence)) < 0.1


def test_a_new_embedding_of_a_topic_speaks_for_the_topic_and_hardly_for_one_event() -> None:
    memory = remember(TOPICS.rows[:500])
    topic = TOPICS.topic[:500]
    told = [shares(memory.evidence(cue)) for cue in TOPICS.rows[500:]]
    mass = [p[topic == t].sum() for p, t in zip(told, TOPICS.topic[500:], strict=True)]
    assert np.mean(mass) > 0.9
    assert np.mean([p.max() for p in told]) < 0.6


def student_t(points: npt.NDArray[np.float64], shape: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The log-density around 0 of the multivariate t as textbooks print it (Kotz and Nadarajah 2004, 1.1)."""
    freedom, count = spectrum.FREEDOM, len(shape)
    distance = (points @ np.linalg.inv(shape) * points).sum(axis=-1)
    constant = lgamma((freedom + count) / 2) - lgamma(freedom / 2) - count / 2 * log(freedom * pi)
    told: npt.NDArray[np.float64] = (
        constant - np.linalg.slogdet(shape)[1] / 2 - (freedom + count) / 2 * np.log1p(distance / freedom)
    )
    return told


def test_the_density_is_the_multivariate_t_of_the_textbook() -> None:
    sample = np.random.default_rng(SEED).normal(size=(80, 9)) * np.linspace(0.5, 3.0, 9)
    fitted = Spectrum.of(sample)
    observed = np.array([0, 2, 3, 7, 8])
    whole = fitted.axes @ np.diag(fitted.beyond) @ fitted.axes.T + fitted.rest * np.eye(9)
    away = sample[:7, observed]
    squares = (away**2).sum(axis=1)
    unit = spectrum.LEAST_NOISE**2 / fitted.variance  # densities are told in units of the mean spread
    scaled = away / np.sqrt(fitted.variance)
    for told, shape in (
        (fitted.independent(squares, 5), fitted.variance * np.eye(5)),
        (fitted.shaped(away, squares, observed), whole[np.ix_(observed, observed)]),
    ):
        np.testing.assert_allclose(told, student_t(scaled, unit * shape))
    np.testing.assert_allclose(fitted.independent(np.array([fitted.reach(-40.0, 5)]), 5), -40.0)


def test_gain_and_offset_are_summed_over_with_zellners_prior() -> None:
    rng = np.random.default_rng(SEED)
    fitted, row = Spectrum.of(rng.normal(size=(80, 9))), rng.normal(size=9)
    heard = 0.4 * row + 2.0 + 0.1 * rng.normal(size=9)
    design = np.stack([np.ones(9), row], axis=1)
    shape = np.eye(9) + 9.0 * design @ np.linalg.solve(design.T @ design, design.T)
    unit = spectrum.LEAST_NOISE**2
    told = fitted.rescaled(row[None], heard, ((heard - row) ** 2).sum(keepdims=True))
    scaled = (heard - row) / np.sqrt(fitted.variance)
    np.testing.assert_allclose(told, student_t(scaled, unit * shape))


@pytest.mark.parametrize("damage", [noised(0.5), masked(0.5), zeroed(0.5)], ids=["whole", "masked", "zeroed"])
def test_comparing_the_nearest_exactly_is_as_good_as_all(damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, rng = remember(TOPICS.rows), np.random.default_rng(SEED)
    cue = damage(TOPICS.rows[:1], rng)[0]
    everything = shares(memory.evidence(cue))
    monkeypatch.setattr(vectors, "COMPARED_EXACTLY", 16 * memory.dimensions)
    assert np.abs(shares(memory.evidence(cue)) - everything).sum() < 1e-3


@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_distances_hold_to_float32_far_from_the_origin(offset: float) -> None:
    rows = (np.random.default_rng(SEED).normal(size=(200, 33)) + offset).astype(np.float32)
    memory, whole = remember(rows), rows[3] + np.float32(0.3)
    partly = np.where(np.arange(33) % 3 == 0, np.float32(np.nan), whole)
    for cue in (whole, partly):
        told = memory._squares(cue, [~np.isnan(cue)])[0]
        np.testing.assert_allclose(told, np.nansum((rows.astype(float) - cue) ** 2, axis=1), rtol=2e-3, atol=1e-3)


def test_write_and_delete_leave_every_bit_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "COMPARED_EXACTLY", 33 * 8)
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(150, 33)).astype(np.float32)
    memory, cue = remember(rows), rows[7] + np.float32(0.4)
    before = memory.evidence(cue)
    for row in rng.normal(size=(40, 33)).astype(np.float32):
        memory.append(row)
        memory.evidence(cue)
    memory.keep(np.arange(190) < 150)
    np.testing.assert_array_equal(memory.evidence(cue), before)
    np.testing.assert_array_equal(remember(rows).evidence(cue), before)


def test_the_order_of_writing_does_not_matter() -> None:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(256, 20)).astype(np.float32)
    order, cue = rng.permutation(256), rows[9] + np.float32(0.7)
    np.testing.assert_allclose(remember(rows[order]).evidence(cue), remember(rows).evidence(cue)[order], rtol=1e-9)


def test_an_episode_without_a_vector_is_neither_favoured_nor_ruled_out() -> None:
    rows = np.random.default_rng(SEED).normal(size=(40, 8)).astype(np.float32)
    memory = remember(rows)
    memory.append(None)
    told = memory.evidence(rows[3])
    assert told[-1] == 0.0
    assert told[3] == vectors.MAX_NATS
    assert not memory.evidence(np.full(8, np.nan, dtype=np.float32)).any()


def shares(nats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    p = np.exp(nats - nats.max())
    return np.asarray(p / p.sum())


def clustered(count: int, seed: int, dimensions: int = 96) -> Matrix:
    """Vectors around many centres, along half as many axes as there are dimensions, and a little beside them."""
    rng = np.random.default_rng(seed)
    axes, centres = rng.normal(size=(dimensions // 2, dimensions)), rng.normal(size=(count // 20, dimensions // 2))
    places = centres[rng.integers(len(centres), size=count)] + 0.3 * rng.normal(size=(count, dimensions // 2))
    return (places @ axes / 8 + 0.1 * rng.normal(size=(count, dimensions))).astype(np.float32)


PART = pytest.mark.parametrize("share", [0.0, 0.3], ids=["whole", "part"])


@PART
@pytest.mark.parametrize("seed", range(3))
def test_no_vector_is_nearer_than_its_projections_allow(seed: int, share: float) -> None:
    rows, rng = clustered(400, seed), np.random.default_rng(seed)
    memory = remember(rows)
    memory.append(None)
    for noise in (0.0, 0.1, 3.0):
        cue = masked(share)((rows[7] + noise * rng.normal(size=rows.shape[1])).astype(np.float32), rng)
        observed = ~np.isnan(cue)
        least = memory._projected().least(cue, observed)
        squares = ((rows.astype(float) - cue)[:, observed] ** 2).sum(axis=1)
        assert np.isnan(least[-1])
        assert (least[:-1] <= squares).all()
        assert np.median(least[:-1] / np.maximum(squares, 1e-12)) > 0.5  # and it tells something


@PART
@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_comparing_what_may_be_near_is_as_good_as_comparing_all(
    noise: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, rng = clustered(4000, SEED), np.random.default_rng(SEED)
    memory, nearest, sparse = Vectors(rows.shape[1]), 0, 0
    memory.extend([*rows, None, *rows[:10]])
    monkeypatch.setattr(vectors, "COMPARED_EXACTLY", 40 * memory.dimensions)
    for meant in range(0, 4000, 400):
        cue = masked(share)((rows[meant] + noise * rng.normal(size=rows.shape[1])).astype(np.float32), rng)
        monkeypatch.setattr(vectors, "FEWEST_PROJECTED", 10**9)
        everything = memory.read(cue)
        monkeypatch.setattr(vectors, "FEWEST_PROJECTED", 1)
        found = memory.read(cue)
        np.testing.assert_allclose(found.nats, everything.nats, rtol=0, atol=1e-3)
        nearest += int(found.nats.argmax()) == int(everything.nats.argmax())
        if found.rows is not None:
            sparse += 1
            others = np.delete(found.nats, found.rows)
            assert (others == found.others).all()
    assert nearest == 10
    assert sparse >= 5


def test_a_vector_and_fields_compete_as_they_would_episode_by_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, rng = clustered(6000, SEED), np.random.default_rng(SEED)
    records = [{"name": f"name {n}", "town": f"town {t}"} for n, t in rng.integers(40, size=(6000, 2)).tolist()]
    traces = Traces()
    traces.extend(records, [float("nan")] * 6000, list(rows))
    monkeypatch.setattr(vectors, "COMPARED_EXACTLY", 40 * rows.shape[1])
    for known in ((), ("name",)):
        cue = CueInput({name: records[70][name] for name in known}, rows[70] + np.float32(0.05))
        told = []
        for fewest in (1, 10**9):
            monkeypatch.setattr(vectors, "FEWEST_PROJECTED", fewest)
            told.append(Posterior(traces, cue, Options(("town",)), Schema(Weights({}, {}))))
        sparse, whole = (each.recollection for each in told)
        assert sparse.kind is not None
        assert whole.kind is None
        assert sparse.match == pytest.approx(whole.match, abs=1e-9)
        assert sparse.supplied == pytest.approx(whole.supplied, abs=1e-5)
        np.testing.assert_allclose(sparse.weights, whole.weights, atol=1e-6)
        np.testing.assert_allclose(told[0].probabilities("town"), told[1].probabilities("town"), atol=1e-6)
