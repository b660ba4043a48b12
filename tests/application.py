"""The application; what a process makes of it, it holds against OpenAPI's own schema once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import orjson
from connexion import AsyncApp
from connexion.spec import OpenAPISpecification

from handlers.app import Companion, create_app
from recollect.settings import Settings

_judge = OpenAPISpecification._validate_spec
_sound: set[bytes] = set()  # contracts that were found sound


def application(settings: Settings, companions: Sequence[Companion] = ()) -> AsyncApp:
    """`create_app`, whose half is otherwise the judgement of the same contract."""
    with patch.object(OpenAPISpecification, "_validate_spec", staticmethod(_judge_once)):
        return create_app(settings, companions=companions)


def _judge_once(contract: dict[str, Any]) -> None:
    text = orjson.dumps(contract)
    if text not in _sound:
        _judge(contract)
        _sound.add(text)
