"""The contract: where it lies, what it says, and how connexion gets to know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from connexion import AsyncApp
from connexion.middleware.main import API
from connexion.spec import OpenAPISpecification

_HERE = Path(__file__).parent
# An installation has the contract beside the handlers, a checkout at its root.
CONTRACT = _HERE / "openapi.yaml" if (_HERE / "openapi.yaml").exists() else _HERE.parent / "openapi.yaml"


class Contract(OpenAPISpecification):  # type: ignore[misc]
    """The contract that the service brings along, taken as sound: a test judges it, so that no start has to."""

    @classmethod
    def _validate_spec(cls, spec: dict[str, Any]) -> None:
        """Hold nothing against OpenAPI's own schema, which takes as long as all else of `create_app`."""


def read() -> tuple[bytes, dict[str, Any]]:
    """The contract's text and what it says."""
    text = CONTRACT.read_bytes()
    return text, yaml.load(text, yaml.CSafeLoader)


def add_to(app: AsyncApp, contract: dict[str, Any]) -> None:
    """What `app.add_api` does, but for the judgement."""
    stack = app.middleware
    stack.apis.append(API(Contract(contract), base_path=None, name=None, **vars(stack.options)))
