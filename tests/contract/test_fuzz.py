"""The contract against what the service does: every check, every phase, drawn anew each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from schemathesis import Case
from schemathesis.python import asgi

from handlers.app import create_app
from recollect.settings import Settings
from tests.contract import fuzz_hooks  # noqa: F401  # registers the hooks
from tests.contract.fuzz import COMPLETION, CUE, EPISODES, ROOT, SPACES, fuzz
from tests.contract.server import make_environment, make_key

EXAMPLES = 5


@pytest.mark.slow
def test_a_server_keeps_the_contract(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    outcome = fuzz(EXAMPLES, seed, tmp_path / "data")
    print(f"seed {seed}: {outcome.cases} cases, {outcome.operations} operations")
    assert outcome.status == 0, f"make fuzz ARGS='--examples {EXAMPLES} --seed {seed}'\n{outcome.output}"
    assert not outcome.faults
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    assert outcome.operations == sum(len(item.keys() - {"parameters"}) for item in document["paths"].values())


CONFIG = schemathesis.Config.from_path(Path(__file__).with_name("schemathesis.toml"))
CONFIG.projects.default.generation.update(max_examples=EXAMPLES)
CONTRACT = schemathesis.openapi.from_path(ROOT / "openapi.yaml", config=CONFIG)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An application in this process, with a key that every call sends."""
    data = tmp_path_factory.mktemp("fuzz")
    key = {"Authorization": f"Bearer {make_key(make_environment(data))}"}
    app = create_app(Settings(data=data))
    with asgi.get_client(app) as client:
        for space, settings in SPACES.items():
            for method, path, body in [("PUT", f"spaces/{space}", settings), ("POST", "imports", {"items": EPISODES})]:
                reply = client.request(method, f"/api/v1/{path}", json=body, headers={"X-Memory-Space": space, **key})
                assert reply.ok, reply.text
        headers = {"X-Memory-Space": "fuzz-plain", **key}
        completion_id = client.request("POST", "/api/v1/complete", json=CUE, headers=headers).json()["completion_id"]
    CONTRACT.config.update(headers=key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COMPLETION, completion_id)
        yield app


@CONTRACT.parametrize()
def test_an_operation_keeps_the_contract(case: Case, application: Any) -> None:
    case.call_and_validate(app=application)
