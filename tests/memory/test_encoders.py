"""Sentence models from a folder: read as their libraries write them, refused with the reason, unloaded when unset."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import CueInput, Options
from recollect.memory import Memories
from recollect.memory.encoders import SentenceModel, load
from recollect.model import Space, SpaceDraft
from recollect.service.runtime import encoder_of, open_runtime
from recollect.settings import Settings, SettingsError
from recollect.store import PutEpisode
from recollect.store.sqlite import SQLiteStore
from tests import sentence

LIBRARIES = ("tokenizers", "safetensors", "onnxruntime")
TEXTS = ["flying", "Flying travel", "zzz", "travel zzz abroad", "", "roses  lawn\nweeding"]
RECORDS = [{"what": what, "where": where} for what, where in (("travel", "station"), ("roses", "market"))]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tokenizers", reason="`make test-encoder` brings what reads sentence models")
    return sentence.write(tmp_path_factory.mktemp("models") / "toy")


def put(number: int, fields: dict[str, Any]) -> PutEpisode:
    document = json.dumps({"id": f"ep_{number}", "fields": fields, "origin": "observed"}).encode()
    return PutEpisode(f"ep_{number}", document, None)


def asked(memories: Memories, space: Space) -> list[Any]:
    memory = memories.bring(space)
    answer = engine.complete(memory.traces, CueInput({"what": "flying"}), Options(("where",)), memory.schema())
    return [answer.match.hex(), answer.fields["where"].value, answer.fields["where"].confidence.hex()]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    yield store
    asyncio.run(store.close())


def filled(store: SQLiteStore, records: list[dict[str, Any]]) -> Space:
    async def fill() -> None:
        space, _ = await store.put_space("diary", SpaceDraft())
        await store.commit(space.uid, [put(number, record) for number, record in enumerate(records)])

    asyncio.run(fill())
    space = store.get_space("diary")
    assert space is not None
    return space


def test_a_matrix_of_tokens_means_what_its_rows_do_in_the_mean(model: Path) -> None:
    read, computed = load(model), sentence.Toy()
    assert np.allclose(read.encode(TEXTS), computed.encode(TEXTS), atol=1e-6, equal_nan=True)
    assert read.noise == pytest.approx(computed.noise, abs=1e-6)


def test_what_a_text_means_hangs_on_it_alone(model: Path) -> None:
    together, read = load(model).encode(TEXTS), load(model)
    for row, text in reversed(list(enumerate(TEXTS))):
        assert read.encode([text])[0].tobytes() == together[row].tobytes()
    assert read.encode([]).shape == (0, sentence.DIMENSIONS)


def test_weights_and_a_mapping_of_tokens_count(model: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    rows = load_file(model / "model.safetensors")["embeddings"]
    mapping, weights = np.arange(len(rows))[::-1].copy(), np.linspace(1.0, 2.0, len(rows), dtype=np.float32)
    folder = sentence.write(tmp_path / "mapped")
    save_file(
        {"embeddings": np.ascontiguousarray(rows[::-1]), "mapping": mapping, "weights": weights},
        folder / "model.safetensors",
    )
    own = [weights[number] * rows[number] for number in map(sentence.WORDS.index, ("travel", "song"))]
    assert np.allclose(load(folder).encode(["travel song"])[0], sum(own) / np.linalg.norm(sum(own)), atol=1e-6)


def test_every_model_has_its_own_digest(model: Path, tmp_path: Path) -> None:
    other = sentence.write(tmp_path / "other")
    assert load(other).digest == load(model).digest
    (other / "tokenizer.json").write_text(json.dumps(sentence.tokenizer(), indent=1), "utf-8")
    assert load(other).digest != load(model).digest


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is not there"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is not there"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "holds no sentence model"),
        (lambda folder: (folder / "tokenizer.json").write_bytes(b"{}"), "holds no sentence model"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"no"), "(holds no sentence model|library onnxruntime)"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_with_the_reason(
    model: Path, tmp_path: Path, spoil: Any, says: str
) -> None:
    folder = sentence.write(tmp_path / "spoilt")
    spoil(folder)
    with pytest.raises(SettingsError, match=f"RECOLLECT_ENCODER: .*{says}"):
        encoder_of(Settings(data=tmp_path, encoder=str(folder)))


def test_a_missing_library_is_named_with_the_way_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    for file in ("tokenizer.json", "model.safetensors"):
        (tmp_path / file).write_bytes(b"")
    with pytest.raises(SettingsError, match=r"tokenizers: pip install 'recollect\[meaning\]'"):
        encoder_of(Settings(data=tmp_path, encoder=str(tmp_path)))


def test_the_command_line_says_what_is_wrong_and_serves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "RECOLLECT_DATA": str(tmp_path), "RECOLLECT_ENCODER": str(tmp_path / "none")}
    command = [sys.executable, "-m", "recollect", "prepare", "--for-serving"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "RECOLLECT_ENCODER" in done.stderr
    assert "is not there" in "".join(done.stderr.split("\n"))


def test_unset_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    """Neither the libraries of the extra, nor a file."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from recollect.service.runtime import open_runtime\nfrom recollect.settings import Settings\n"
        "async def once():\n    async with open_runtime(Settings(data=Path(sys.argv[1]))): pass\n"
        f"asyncio.run(once())\nprint([name for name in {LIBRARIES} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert told.stdout.strip() == "[]"


async def test_a_runtime_reads_by_the_model_that_is_set(model: Path, tmp_path: Path) -> None:
    async with open_runtime(Settings(data=tmp_path, encoder=str(model))) as runtime:
        assert isinstance(runtime.memories.encoder, SentenceModel)
        assert runtime.memories.afresh().encoder is runtime.memories.encoder


def test_workers_answer_alike_whenever_they_read(store: SQLiteStore) -> None:
    space = filled(store, RECORDS)
    early = Memories(store, encoder=sentence.Toy())
    asked(early, space)

    async def more() -> None:
        await store.commit(space.uid, [put(7, {"what": "concert", "where": "office"})])

    asyncio.run(more())
    space = store.get_space("diary")  # type: ignore[assignment]  # it is there
    late = Memories(store, encoder=sentence.Toy())
    assert asked(early, space) == asked(late, space)
    assert asked(late, space)[1] == "station"
    assert asked(Memories(store), space) != asked(late, space)


def test_a_snapshot_keeps_what_texts_mean_for_its_own_model_alone(store: SQLiteStore, tmp_path: Path) -> None:
    space = filled(store, RECORDS)
    whole = Memories(store, tmp_path / "snapshot", encoder=sentence.Toy())
    expected = asked(whole, space)
    assert whole.snapshots is not None
    whole.snapshots.write(whole.current(space), time.time())

    toy = sentence.Toy()
    mapped = Memories(store, tmp_path / "snapshot", encoder=toy)
    assert asked(mapped, space) == expected
    assert set(toy.asked) == {"flying"}

    other = sentence.Toy()
    other.digest = "another"
    for memories in (Memories(store, tmp_path / "snapshot", encoder=other), Memories(store, tmp_path / "snapshot")):
        assert memories.snapshots is not None
        assert memories.snapshots.mark(space) is None
        assert memories.snapshots.read(space) is None


REAL = os.environ.get("SENTENCE_MODEL", "")


@pytest.mark.skipif(not REAL, reason="`make test-encoder` brings a real model")
def test_a_real_model_finds_travel_by_flying(tmp_path: Path) -> None:
    encoder = load(Path(REAL))
    values = ["travel", "breakfast", "car repair", "salary negotiation", "swimming lesson", "power outage", "wedding"]
    traces = engine.Traces(encoder=encoder)
    for number, value in enumerate(values):
        traces.append({"what": value, "page": number}, math.nan, None)
    schema = engine.attach(traces, kernels=engine.fit_kernels(traces).by_field)
    for cue, value in (
        ("flying to see family", "travel"),
        ("eating in the morning", "breakfast"),
        ("the vehicle was fixed", "car repair"),
        ("asking for more pay", "salary negotiation"),
    ):
        answer = engine.complete(traces, CueInput({"what": cue}), Options(("page",)), schema)
        assert answer.fields["page"].value == values.index(value)
        assert answer.match > 0.2
