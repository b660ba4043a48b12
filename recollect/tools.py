"""The contract as tools: what a program that picks its calls by description needs to know of each.

A tool is an operation of the contract under a short name: its description says when not to use it, its parameters
are the operation's body with `space` beside them. All of it is read from the contract, nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Schema = dict[str, Any]

# The operations worth a tool, by the name that says what they do for whoever calls. Those that change something
# are offered only where writing is allowed. An operation that this contract does not have makes no tool.
NAMES: Mapping[str, str] = {
    "list_spaces": "list_spaces",
    "describe_space": "get_space_stats",
    "complete": "complete",
    "recall": "recall",
    "probability": "probability",
    "evaluate": "evaluate_space",
    "audit": "audit_space",
    "remember": "create_episode",
    "forget": "forget_episodes",
}
WRITES = frozenset({"remember", "forget"})
DESTROYS = frozenset({"forget"})
_METHODS = ("get", "put", "post", "patch", "delete")
# What a program cannot read back or has no use for.
_LEFT_OUT = {"recall": {"cursor"}, "complete": {"verbose"}}


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation as a tool: its JSON Schema, and how a call becomes a request."""

    name: str
    operation_id: str
    title: str
    description: str
    parameters: Schema
    method: str
    path: str
    in_path: frozenset[str]
    in_query: frozenset[str]
    takes_space_header: bool

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.name in WRITES

    def request(self, arguments: Mapping[str, Any], default_space: str | None) -> Request:
        """The HTTP request of one call; raises KeyError where a name in the path is missing."""
        left = dict(arguments)
        space = left.pop("space", None) or default_space
        values = {"space_id": space, **left}
        path = self.path
        for name in self.in_path:
            value = values[name]
            if value is None:
                raise KeyError("space" if name == "space_id" else name)
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            left.pop(name, None)
        query = {name: str(left.pop(name)) for name in self.in_query & left.keys()}
        if self.name == "complete":
            query["verbose"] = "true"  # a value without its source and confidence is of no use to anyone
        headers = {"X-Memory-Space": str(space)} if self.takes_space_header and space else {}
        return Request(self.method.upper(), path, query, headers, left if self.method != "get" else None)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request below the API's base path."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None


def tools(contract: Mapping[str, Any]) -> list[Tool]:
    """The tools that this contract has operations for."""
    found = {
        operation["operationId"]: (path, method, item)
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }
    return [_tool(contract, name, *found[operation]) for name, operation in NAMES.items() if operation in found]


def as_functions(contract: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools in the form that chat-completion APIs take."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools(contract)
    ]


def as_text(contract: Mapping[str, Any]) -> str:
    """What this service is and where everything is, for a language model (the llms.txt convention)."""
    info = contract["info"]
    lines = [f"# {info['title']}", "", f"> {_paragraph(info['description'])}", ""]
    lines += [
        "Every call of the data plane names its memory space in the header `X-Memory-Space`; a key, where one is "
        "needed, goes into `Authorization: Bearer <key>`. Errors are problem documents (RFC 9457) whose "
        "`suggestions` say what to do; a suggestion that is `machine_applicable` carries a JSON Patch of the request.",
        "",
        "## Documentation",
        "",
        "- [OpenAPI document](/openapi.json): the whole contract",
        "- [Tool schemas](/tools.json): the operations as functions for chat-completion APIs",
        "- [Problem types](/problems): every error, what it means and what to do",
        "- [Swagger UI](/docs): to try it by hand",
    ]
    base = contract["servers"][0]["url"]
    for tag in contract["tags"]:
        lines += ["", f"## {tag['name'].capitalize()}", "", _paragraph(tag["description"]), ""]
        for path, item in contract["paths"].items():
            lines += [
                f"- `{method.upper()} {base}{path}` ({operation['operationId']}): {operation['summary']}. "
                f"{_warning(operation['description'])}".rstrip()
                for method, operation in item.items()
                if method in _METHODS and tag["name"] in operation["tags"]
            ]
    return "\n".join(lines) + "\n"


def _paragraph(text: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


def _warning(description: str) -> str:
    """When not to use an operation: the paragraph that says so."""
    paragraphs = [" ".join(each.split()) for each in description.strip().split("\n\n")]
    return next((each for each in paragraphs if each.startswith("Do not use it")), "")


def _tool(contract: Mapping[str, Any], name: str, path: str, method: str, item: Mapping[str, Any]) -> Tool:
    operation = item[method]
    given = [_resolved(contract, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    parameters: Schema = _inlined(contract, body) if body else {}
    properties: Schema = parameters.get("properties", {})
    required = list(parameters.get("required", ()))
    queries = {
        each["name"]: each for each in given if each["in"] == "query" and each["name"] not in _LEFT_OUT.get(name, ())
    }
    for each in queries.values():
        properties[each["name"]] = _described(contract, each)
    places = {each["name"]: each for each in given if each["in"] == "path"}
    in_header = any(each["name"] == "X-Memory-Space" for each in given)
    for each in places.values():
        if each["name"] != "space_id":
            properties[each["name"]] = _described(contract, each)
            required.append(each["name"])
    if in_header or "space_id" in places:
        properties["space"] = {"type": "string", "description": "The memory space; list_spaces tells which there are."}
        required.append("space")
    parameters.update({"type": "object", "properties": properties, "required": required, "additionalProperties": False})
    return Tool(
        name,
        operation["operationId"],
        operation["summary"],
        f"{operation['summary']}.\n\n{operation['description'].strip()}",
        parameters,
        method,
        path,
        frozenset(places),
        frozenset(queries),
        in_header,
    )


def _described(contract: Mapping[str, Any], parameter: Mapping[str, Any]) -> Schema:
    return {**_inlined(contract, parameter["schema"]), "description": parameter["description"]}


def _resolved(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = contract
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _inlined(contract: Mapping[str, Any], node: Any) -> Any:
    """A schema of the contract as JSON Schema: references filled in, null as a type, examples left out."""
    if isinstance(node, list):
        return [_inlined(contract, each) for each in node]
    if not isinstance(node, Mapping):
        return node
    node = _resolved(contract, node)
    result = {
        name: {key: _inlined(contract, each) for key, each in value.items()}
        if name == "properties"
        else _inlined(contract, value)
        for name, value in node.items()
        if name not in {"example", "examples", "nullable", "not", "format"}
    }
    if node.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    return result
