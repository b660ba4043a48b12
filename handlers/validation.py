"""Requests against the contract: schemas compiled once per operation, every violation told, no value echoed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs

from recollect import times
from recollect.errors import InvalidRequest, Violation
from recollect.times import epoch_seconds

_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")  # every float, however it is written

MAX_VIOLATIONS = 100
MAX_VALUES = 1_000  # in an instance whose violations are all looked for
MAX_POINTER = 200
_NOT_RULES = frozenset(("example", "examples"))
# Comparing 768 floats with float bounds takes the library a millisecond; recollect.vectors takes microseconds.
_FLOAT_BOUNDS = _NOT_RULES | {"minimum", "maximum"}
_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Validator:
    """One compiled schema."""

    def __init__(self, schema: Mapping[str, Any], prefix: str = "") -> None:
        """Compile a schema without references; `prefix` goes before every pointer."""
        formats = {"byte": is_base64, "date-time": is_time}
        self._compiled = jsonschema_rs.Draft4Validator(draft4(schema), validate_formats=True, formats=formats)
        self._prefix = prefix

    def check(self, instance: Any) -> None:
        """Raise InvalidRequest with every violation, unless there is none."""
        if not self._compiled.is_valid(instance):
            raise refuse(self.violations(instance))

    def violations(self, instance: Any) -> list[Violation]:
        """The ways in which the instance breaks the schema; of a large instance only the first.

        The library collects every error before it gives one out, at some 80 microseconds
        each: a body of a million wrong numbers would hold the worker for a minute.
        """
        if _has_more_values(instance, MAX_VALUES):
            try:
                self._compiled.validate(instance)
            except jsonschema_rs.ValidationError as error:
                return list(_violations(error, self._prefix))
        errors = islice(self._compiled.iter_errors(instance), MAX_VIOLATIONS)
        found = [each for error in errors for each in _violations(error, self._prefix)]
        malformed = {each.pointer for each in found if each.expected == times.EXPECTED}
        # Of what is no time the length does not help: an example does.
        return [replace(each, expected=times.EXPECTED) if each.pointer in malformed else each for each in found]

    def is_valid(self, instance: Any) -> bool:
        """Whether the instance keeps the schema."""
        return bool(self._compiled.is_valid(instance))


class Parameters:
    """The query of one operation: names, types and limits as the contract has them."""

    def __init__(self, parameters: Iterable[Mapping[str, Any]]) -> None:
        declared = {each["name"]: each for each in parameters if each["in"] == "query"}
        self._types = {name: each["schema"].get("type") for name, each in declared.items()}
        self._defaults = {
            name: each["schema"]["default"] for name, each in declared.items() if "default" in each["schema"]
        }
        schema = {
            "type": "object",
            "properties": {name: each["schema"] for name, each in declared.items()},
            "required": [name for name, each in declared.items() if each.get("required")],
            "additionalProperties": False,
        }
        if not schema["required"]:
            del schema["required"]  # draft 4 wants at least one
        self._validator = Validator(schema, "/query")
        self.read = lru_cache(maxsize=256)(self._read)

    def _read(self, query: bytes) -> dict[str, Any]:
        """The parameters by name, typed, with defaults; raises InvalidRequest. The answer is shared."""
        if not query:
            self._validator.check({})
            return self._defaults
        values: dict[str, Any] = {}
        for name, text in _pairs(query):
            if self._types.get(name) == "array":
                values.setdefault(name, []).append(text)
            elif name in values:
                raise refuse([Violation(_pointer("/query", [name]), "REPEATED_PARAMETER", "once", "more than once")])
            else:
                values[name] = _typed(text, self._types.get(name))
        self._validator.check(values)
        return {**self._defaults, **values}


def refuse(violations: list[Violation]) -> InvalidRequest:
    """The refusal that tells the violations, the first ones of very many."""
    first = violations[0]
    more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
    where = first.pointer or "the body"
    return InvalidRequest(
        f"The request breaks the contract at {where}: expected {first.expected}, found {first.actual}{more}.",
        code="SCHEMA_VIOLATION",
        context={"violations": len(violations)},
        violations=violations[:MAX_VIOLATIONS],
    )


def draft4(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema draft 4: `nullable` becomes a type."""
    if isinstance(schema, Mapping):
        left_out = _FLOAT_BOUNDS if schema.get("format") == "float" else _NOT_RULES
        turned = {key: draft4(value) for key, value in schema.items() if key not in left_out}
        if schema.get("nullable") is True and isinstance(schema.get("type"), str):
            turned["type"] = [schema["type"], "null"]
            if "enum" in schema and None not in schema["enum"]:
                turned["enum"] = [*schema["enum"], None]
        return turned
    if isinstance(schema, list | tuple):
        return [draft4(each) for each in schema]
    return schema


def is_base64(text: str) -> bool:
    """Whether the text can be base64: whole groups of four; its letters are read where it is decoded."""
    return len(text) % 4 == 0


def is_time(text: str) -> bool:
    """Whether the text is a time as the service reads it."""
    try:
        epoch_seconds(text)
    except ValueError:
        return False
    return True


def _has_more_values(instance: Any, limit: int) -> bool:
    """Whether the instance holds more than `limit` values, counted no further."""
    count, waiting = 0, [instance]
    while waiting and count <= limit:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            count += len(value)
            waiting.extend(value.values() if len(value) <= limit else ())
        elif isinstance(value, list):
            count += len(value)
            waiting.extend(each for each in value[:limit] if isinstance(each, dict | list))
    return count > limit


def _violations(error: jsonschema_rs.ValidationError, prefix: str) -> Iterable[Violation]:
    kind: Any = error.kind  # its attributes depend on the keyword
    path = list(error.instance_path)
    if kind.name == "additionalProperties":
        for name in kind.unexpected:
            yield Violation(_pointer(prefix, [*path, name]), "UNKNOWN_MEMBER", "no such member", "a member")
        return
    if kind.name == "required":
        yield Violation(_pointer(prefix, [*path, kind.property]), "MISSING_MEMBER", "a value", "nothing")
        return
    yield Violation(
        _pointer(prefix, path), _CODES.get(kind.name, "SCHEMA"), _expected(kind), _actual(kind.name, error.instance)
    )


_CODES = {
    "type": "TYPE",
    "enum": "ENUM",
    "format": "FORMAT",
    "pattern": "PATTERN",
    "minimum": "TOO_SMALL",
    "exclusiveMinimum": "TOO_SMALL",
    "maximum": "TOO_LARGE",
    "exclusiveMaximum": "TOO_LARGE",
    "minLength": "TOO_SHORT",
    "maxLength": "TOO_LONG",
    "minItems": "TOO_FEW",
    "maxItems": "TOO_MANY",
    "minProperties": "TOO_FEW",
    "maxProperties": "TOO_MANY",
    "uniqueItems": "NOT_UNIQUE",
    "not": "EXCLUDED",
}
_EXPECTED = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
    "pattern": "text matching {}",
    "format": "{} format",
}


def _expected(kind: Any) -> str:
    value = kind.value
    if kind.name == "format" and value == "date-time":
        return times.EXPECTED
    if kind.name == "type":
        return " or ".join(value) if isinstance(value, list) else str(value)
    if kind.name == "enum":
        return "one of " + ", ".join(map(str, value))[:200]
    if kind.name == "uniqueItems":
        return "items that differ"
    if kind.name == "not":
        return _allowed(kind.schema if isinstance(kind.schema, Mapping) else {})
    return str(_EXPECTED.get(kind.name, kind.name)).format(value)


def _allowed(excluded: Mapping[str, Any]) -> str:
    """What a value may be that must not be what a schema says."""
    if "required" in excluded:
        return f"only one of {', '.join(excluded['required'])}"
    if any("required" in each for each in excluded.get("anyOf", ())):
        return f"anything but {excluded['description']}"
    return "text, number, boolean or a list of those"


def _actual(keyword: str, instance: Any) -> str:
    """The type or the size of what was found; a number only where the number itself is at fault."""
    if keyword in {"minLength", "maxLength"}:
        return f"{len(instance)} characters"
    if keyword in {"minItems", "maxItems"}:
        return f"{len(instance)} items"
    if keyword in {"minProperties", "maxProperties"}:
        return f"{len(instance)} members"
    name = "null" if instance is None else _NAMES.get(type(instance), "another type")
    return f"{name} of {len(instance)} characters" if name == "string" else name


def _pointer(prefix: str, path: Iterable[Any]) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    pointer = prefix + "".join(f"/{step}" for step in steps)
    return pointer if len(pointer) <= MAX_POINTER else pointer[:MAX_POINTER] + "…"


def _pairs(query: bytes) -> list[tuple[str, str]]:
    expected = "name=value pairs in percent-encoded UTF-8 without NUL"
    violation = Violation("/query", "QUERY", expected, f"{len(query)} bytes")
    # A NUL is refused here as it is in JSON; a query that is ASCII can only have it escaped.
    if b"%00" in query:
        raise refuse([violation])
    try:
        text = query.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=64)
    except ValueError:
        raise refuse([violation]) from None


def _typed(text: str, kind: str | None) -> Any:
    """The text as the type it stands for; left as text where it is none, for the schema to refuse."""
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "integer" and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 19:
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    return text
