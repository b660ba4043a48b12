"""Holds any response of the HTTP edge against the contract; every test that calls the edge does so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

ROOT = Path(__file__).parent.parent.parent
BASE = "/api/v1"
METHODS = ("get", "put", "post", "patch", "delete")
Node = dict[str, Any]


class Contract:
    """openapi.yaml, its references resolved as they are met, its schemas compiled as they are needed."""

    def __init__(self, path: Path = ROOT / "openapi.yaml") -> None:
        self.document: Node = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._components = {"schemas": as_json_schema(self.document["components"]["schemas"])}
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path, item)
            for path, item in sorted(self.document["paths"].items(), key=lambda pair: "{" in pair[0])
        ]

    def resolve(self, node: Node) -> Node:
        """The node, or what its reference points to."""
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def operations(self) -> dict[str, tuple[str, str, Node]]:
        """Method, path and description of every operation, by its id."""
        return {
            item[method]["operationId"]: (method.upper(), path, item[method])
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        }

    def operation(self, method: str, target: str) -> Node | None:
        """The operation that a request means, if it means one."""
        path = target.partition("?")[0]
        if not path.startswith(BASE + "/"):
            return None
        for pattern, _, item in self._paths:
            if pattern.match(path.removeprefix(BASE)):
                found: Node | None = item.get("get" if method == "HEAD" else method.lower())
                return found
        return None

    def faults(self, method: str, target: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """What is wrong with a response, in a line each; names of headers are in lower case."""
        operation = self.operation(method, target)
        if operation is None:
            # A page, or a refusal before any operation was found: the latter is a problem all the same.
            is_problem = headers.get("content-type", "").startswith("application/problem+json")
            return self._body_faults("Problem", body) if is_problem and method != "HEAD" else []
        if str(status) not in operation["responses"]:
            return [f"{operation['operationId']} does not declare {status}"]
        response = self.resolve(operation["responses"][str(status)])
        faults = [
            f"{name} is missing"
            for name, header in response.get("headers", {}).items()
            if self.resolve(header).get("required") and name.lower() not in headers
        ]
        content = response.get("content", {})
        if not content:
            return faults + ([f"{status} has a body"] if body else [])
        media = headers.get("content-type", "").split(";")[0]
        if media not in content:
            return [*faults, f"{media or 'no media type'} is not declared for {status}"]
        if media.endswith("json") and method != "HEAD":
            faults += self._body_faults(content[media]["schema"]["$ref"].rpartition("/")[2], body)
        return faults

    def _body_faults(self, schema: str, body: bytes) -> list[str]:
        if schema not in self._validators:
            reference = {"$ref": f"#/components/schemas/{schema}", "components": self._components}
            self._validators[schema] = jsonschema_rs.Draft4Validator(reference, validate_formats=True)
        found = self._validators[schema].iter_errors(json.loads(body))
        return [f"{schema} at {'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in found]


def as_json_schema(node: Any) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema: `nullable` is a type there."""
    if isinstance(node, list):
        return [as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    schema = {name: as_json_schema(each) for name, each in node.items() if name not in {"nullable", "example"}}
    if node.get("nullable") is True:
        return {"anyOf": [schema, {"enum": [None]}]}
    return schema


@cache
def contract() -> Contract:
    """The contract of this checkout, read once."""
    return Contract()
