"""The numbers of an answer against a second implementation of their definitions in docs/mathematics.md."""

from __future__ import annotations

import pytest

from engine.generalisation.weights import closed_form
from engine.recollection.match import fit_kernels
from recollect import service
from recollect.model import CompleteRequest, CompletionConfig, Cue, Scope
from recollect.service.runtime import Runtime
from tests.engine import oracle
from tests.engine.worlds import random_cue, random_records


@pytest.mark.parametrize("seed", range(12))
async def test_every_number_of_an_answer_is_that_of_its_definition(seed: int, runtime: Runtime, scope: Scope) -> None:
    records = random_records(seed)
    await service.import_episodes(runtime, scope, [{"id": f"e{i}", **r} for i, r in enumerate(records)])
    traces = runtime.memories.at(scope).traces
    weights = closed_form(traces.columns, traces.size)
    kernels = {name: kernel.tolist() for name, kernel in fit_kernels(traces).by_field.items()}
    cue = dict(sorted(random_cue(records, seed).items())[:3])
    request = CompleteRequest(Cue(dict(cue)), None, CompletionConfig(0.0, 0, None, None), verbose=True)
    found = await service.complete(runtime, scope, request)
    assert found.stats is not None
    answer = {name: str(value) for name, value in found.fields.items() if name not in cue}
    shares = {name: oracle.confidences(records, cue, name, weights, kernels)[value] for name, value in answer.items()}
    for name, share in shares.items():
        assert found.attribution[name].confidence == pytest.approx(share, abs=2e-3)
    assert found.completion_confidence == pytest.approx(sum(shares.values()) / len(shares), abs=2e-3)
    assert found.stats.match_confidence == pytest.approx(oracle.recollection(records, cue, kernels)[1], abs=1e-4)
    assert found.stats.cue_overlap == pytest.approx(oracle.cue_overlap(records, cue), abs=1e-5)
    assert found.stats.plausibility_score == pytest.approx(oracle.plausibility(records, cue, answer, weights), abs=1e-4)
