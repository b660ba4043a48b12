"""Code for every operation of the contract, as `x-codeSamples`: curl, Python, JavaScript.

What is asked is the contract's own first example, so nothing is written twice. Python goes by the three-line client
where that has a word for the operation, else by the generated one. What writes goes to a space of the reader's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Contract = Mapping[str, Any]

ORIGIN = "http://127.0.0.1:8080"
DEMO, OWN = "demo", "journal"
_METHODS = ("get", "put", "post", "patch", "delete")
_READ_ONLY_POSTS = frozenset({"complete", "complete_batch", "complete_stream", "fill", "probability", "recall"})
_WIDTH = 100

# What the three-line client says; `space` is the memory space, `service` the client.
_BRIEF: Mapping[str, str] = {
    "complete": 'answer = space.complete(what="breakfast")\n'
    'print(answer["where"].value, answer["where"].confidence, answer["where"].source)',
    "complete_batch": 'for answer in space.complete_many([{"what": "breakfast"}, {"what": "run"}]):\n    print(answer)',
    "complete_stream": 'for event, data in space.stream(what="breakfast"):\n    print(event, data)',
    "fill": 'filled = space.fill([{"what": "breakfast", "where": None}])\nprint(filled.frame)',
    "probability": 'answer = space.probability([{"field": "where", "one_of": ["kitchen"]}], what="breakfast")\n'
    "print(answer.probability)",
    "recall": 'for found in space.recall(what="walk", limit=3):\n    print(found.similarity, found.episode.fields)',
    "list_episodes": "for episode in space.episodes():\n    print(episode.id, episode.fields)",
    "create_episode": 'print(space.remember(what="breakfast", where="kitchen").id)',
    "get_episode": 'print(space.episode("ep_demo_0001").fields)',
    "delete_episode": 'space.delete_episode("ep_breakfast")',
    "import_episodes": 'space.remember_all([{"what": "breakfast", "where": "kitchen"}, {"what": "run"}])',
    "forget_episodes": 'print(space.forget({"fields": {"what": "walk"}}).count)',
    "create_feedback": 'answer = space.complete(what="breakfast", threshold=0)\n'
    'space.feedback(answer, "where", right=True)',
    "consolidate": "print(space.consolidate())",
    "list_patterns": "for pattern in space.patterns():\n    print(pattern.statement)",
    "list_spaces": "for each in service.spaces():\n    print(each.space_id)",
    "put_space": 'space.create(description="My days")',
    "delete_space": "space.delete()",
    "get_space_stats": "print(space.stats().episodes)",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation, with everything that is sent."""

    operation_id: str
    tag: str
    method: str
    path: str
    parameters: Mapping[str, str]  # of the path
    query: Mapping[str, Any]  # what must be there
    space: str | None  # in the header
    body: Any
    body_schema: str
    replies: str  # json, text, or nothing

    @property
    def target(self) -> str:
        """The path as it is called, with its query."""
        return self.path.format_map(self.parameters) + (f"?{urlencode(self.query)}" if self.query else "")


def with_samples(contract: Contract) -> dict[str, Any]:
    """The contract with samples beside every operation."""
    url = ORIGIN + contract["servers"][0]["url"]
    paths = {
        path: {
            method: part | {"x-codeSamples": _samples(_call(contract, path, method, item), url)}
            if method in _METHODS
            else part
            for method, part in item.items()
        }
        for path, item in contract["paths"].items()
    }
    return {**contract, "paths": paths}


def _samples(call: Call, url: str) -> list[dict[str, str]]:
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(call, url)},
        {"lang": "Python", "label": "Python", "source": _python(call, url)},
        {"lang": "JavaScript", "label": "JavaScript", "source": _javascript(call, url)},
    ]


def _call(contract: Contract, path: str, method: str, item: Mapping[str, Any]) -> Call:
    operation = item[method]
    name = operation["operationId"]
    space = DEMO if method == "get" or name in _READ_ONLY_POSTS else OWN
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    replies = next(response for status, response in operation["responses"].items() if status.startswith("2"))
    parameters = [_resolved(contract, each) for each in [*item.get("parameters", ()), *operation.get("parameters", ())]]
    needed = [each for each in parameters if each.get("required")]
    return Call(
        operation_id=name,
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        parameters={"space_id": space, "episode_id": "ep_demo_0001" if space == DEMO else "ep_breakfast"},
        query={each["name"]: each["example"] for each in needed if each["in"] == "query"},
        space=space if any(each["name"] == "X-Memory-Space" for each in needed) else None,
        body=content and _resolved(contract, next(iter(content["examples"].values())))["value"],
        body_schema=content["schema"]["$ref"].rpartition("/")[2] if content else "",
        replies="text" if "text/event-stream" in replies.get("content", {}) else "json" if "content" in replies else "",
    )


def _resolved(contract: Contract, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference of the contract means."""
    if "$ref" not in node:
        return node
    *_, kind, name = node["$ref"].split("/")
    found: Mapping[str, Any] = contract["components"][kind][name]
    return found


def _curl(call: Call, url: str) -> str:
    lines = [f"curl -s{'N' if call.replies == 'text' else ''}{_verb(call)} '{url}{call.target}'"]
    if call.space:
        lines.append(f"-H 'X-Memory-Space: {call.space}'")
    if call.body is not None:
        quoted = json.dumps(call.body, ensure_ascii=False).replace("'", r"'\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
    return " \\\n  ".join(lines)


def _verb(call: Call) -> str:
    implied = "GET" if call.body is None else "POST"
    return "" if call.method == implied else f" -X {call.method}"


def _javascript(call: Call, url: str) -> str:
    options = [f'  method: "{call.method}",'] if call.method != "GET" else []
    headers = {"X-Memory-Space": call.space} if call.space else {}
    if call.body is not None:
        headers = {"Content-Type": "application/json", **headers}
    if headers:
        options.append(f"  headers: {json.dumps(headers)},")
    if call.body is not None:
        options.append(f"  body: JSON.stringify({_literal(call.body, '  ')}),")
    arguments = ", {\n" + "\n".join(options) + "\n}" if options else ""
    read = {"json": "await answer.json()", "text": "await answer.text()"}.get(call.replies, "answer.status")
    return f'const answer = await fetch("{url}{call.target}"{arguments});\nconsole.log({read});'


def _python(call: Call, url: str) -> str:
    said = _BRIEF.get(call.operation_id)
    if said is None:
        return _generated_python(call, url)
    space = call.space or call.parameters["space_id"]
    made = f'service = Recollect("{url.removesuffix("/api/v1")}")'
    of_space = f'\nspace = service.space("{space}")' if re.search(r"\bspace\.", said) else ""
    return f"from recollect_sdk import Recollect\n\n{made}{of_space}\n{said}"


def _generated_python(call: Call, url: str) -> str:
    api = f"{call.tag.capitalize()}Api"
    names = sorted(filter(None, ["ApiClient", "Configuration", api, call.body_schema]))
    arguments = [f'{name}="{call.parameters[name]}"' for name in re.findall(r"{(\w+)}", call.path)]
    arguments += [f'x_memory_space="{call.space}"'] if call.space else []
    arguments += [f"{name}={_literal(value, '', is_python=True)}" for name, value in call.query.items()]
    if call.body is not None:
        word = re.sub(r"(?<!^)(?=[A-Z])", "_", call.body_schema).lower()
        arguments.append(f"{word}={call.body_schema}.from_dict({_literal(call.body, '    ', is_python=True)})")
    asked = f"{api}(client).{call.operation_id}({', '.join(arguments)})"
    return (
        f"from recollect_client import {', '.join(names)}\n\n"
        f'with ApiClient(Configuration(host="{url}")) as client:\n    print({asked})'
    )


def _literal(value: Any, indent: str, *, is_python: bool = False) -> str:
    """JSON as a literal of the language, on one line where it fits."""
    one_line = json.dumps(value, ensure_ascii=False)
    text = (
        one_line
        if len(one_line) <= _WIDTH
        else json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n" + indent)
    )
    if is_python:
        words = {"true": "True", "false": "False", "null": "None"}
        text = re.sub(r'"(?:[^"\\]|\\.)*"|\b(true|false|null)\b', lambda m: words[m[1]] if m[1] else m[0], text)
    return text
