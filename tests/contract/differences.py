"""What would break a client of the last released contract: `make diff-contract`.

Requests may be asked for less and may say more; responses may say more and must not say less.
So a narrower type breaks a request, a wider one a response. New values of an enum in a response
break nothing: every client reads values that it does not know.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
RELEASES = ROOT / "docs" / "releases"
METHODS = ("get", "put", "post", "patch", "delete")
# Limits by how a request's schema narrows: upper limits that fall, lower limits that rise.
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "minLength", "minItems", "minProperties")
# What a request's value must be besides, where any other demand is a new one.
DEMANDS = ("pattern", "format", "multipleOf", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum")
COMPOSITIONS = ("allOf", "anyOf", "oneOf", "not", "discriminator")
WORDS = {"description", "example", "title", "externalDocs"}
Node = dict[str, Any]
Pair = tuple[int, int, bool]
# The schema of what may be anything: no demands.
ANYTHING: Node = {}


class Document:
    """A contract whose references can be followed."""

    def __init__(self, content: Node) -> None:
        self.content = content

    def resolve(self, node: Node) -> Node:
        """The node, or what its reference points to."""
        while "$ref" in node:
            target: Any = self.content
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operations(self) -> dict[tuple[str, str], Node]:
        """Every operation by path and method, with the parameters of its path among its own."""
        return {
            (path, method): {
                **item[method],
                "parameters": [*item.get("parameters", ()), *item[method].get("parameters", ())],
            }
            for path, item in self.content["paths"].items()
            for method in METHODS
            if method in item
        }

    def security(self, operation: Node) -> Any:
        """What a caller of an operation must show."""
        return operation.get("security", self.content.get("security"))

    def composed(self, node: Any, within: tuple[str, ...] = ()) -> Any:
        """A part of a schema without its words, references followed as far as they do not turn back."""
        if isinstance(node, list):
            return [self.composed(each, within) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            again = node["$ref"] in within
            return node if again else self.composed(self.resolve(node), (*within, node["$ref"]))
        return {name: self.composed(each, within) for name, each in node.items() if name not in WORDS}

    def parameters(self, operation: Node) -> dict[tuple[str, str], Node]:
        """An operation's parameters by place and name; names of headers do not depend on case."""
        found = [self.resolve(each) for each in operation["parameters"]]
        return {(each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): each for each in found}


def breaks(old: Node, new: Node) -> list[str]:
    """Every change from the old to the new contract that breaks a client, in a line each."""
    return list(dict.fromkeys(Comparison(Document(old), Document(new)).run()))


class Comparison:
    """The way through both contracts, operation by operation."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        # Pairs of schemas without a difference, most of which many operations share.
        self._alike: set[Pair] = set()

    def run(self) -> Iterator[str]:
        """Every break as it is found; one that many operations share comes up as often."""
        if [each["url"] for each in self._old.content["servers"]] != [
            each["url"] for each in self._new.content["servers"]
        ]:
            yield "servers: the base path has changed"
        operations = self._new.operations()
        for (path, method), old in self._old.operations().items():
            where = f"{method.upper()} {path}"
            new = operations.get((path, method))
            if new is None:
                yield f"{where}: removed"
                continue
            if old["operationId"] != new["operationId"]:
                yield f"{where}: operationId {old['operationId']} is now {new['operationId']}"
            if old.get("tags") != new.get("tags"):
                yield f"{where}: another tag, by which clients name what holds the operation"
            if self._old.security(old) != self._new.security(new):
                yield f"{where}: what a caller must show has changed"
            yield from self._parameters(where, old, new)
            yield from self._body(where, old, new)
            yield from self._responses(where, old, new)

    def _parameters(self, where: str, old: Node, new: Node) -> Iterator[str]:
        before, after = self._old.parameters(old), self._new.parameters(new)
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{where}: the {key[0]} parameter {key[1]} is required now"
        for key, parameter in before.items():
            if key not in after:
                yield f"{where}: the {key[0]} parameter {key[1]} is removed"
            else:
                place = f"{where} {key[0]} {key[1]}"
                if [parameter.get(name) for name in ("style", "explode")] != [
                    after[key].get(name) for name in ("style", "explode")
                ]:
                    yield f"{place}: lists are written in another way"
                yield from self._schema(place, parameter["schema"], after[key]["schema"], is_request=True)

    def _body(self, where: str, old: Node, new: Node) -> Iterator[str]:
        before, after = (doc.resolve(op.get("requestBody", {})) for doc, op in ((self._old, old), (self._new, new)))
        if after.get("required") and not before.get("required"):
            yield f"{where}: a body is required now"
        yield from self._contents(f"{where} request", before, after, is_request=True)

    def _responses(self, where: str, old: Node, new: Node) -> Iterator[str]:
        for status in sorted(new["responses"].keys() - old["responses"].keys()):
            if status.startswith("2"):
                yield f"{where}: answers {status} now"
        for status, response in old["responses"].items():
            if status not in new["responses"]:
                yield f"{where}: status {status} is removed"
                continue
            before, after = self._old.resolve(response), self._new.resolve(new["responses"][status])
            place = f"{where} {status}"
            yield from self._headers(place, before.get("headers", {}), after.get("headers", {}))
            yield from self._contents(place, before, after, is_request=False)

    def _headers(self, where: str, old: Node, new: Node) -> Iterator[str]:
        for name in old:
            if name not in new:
                yield f"{where}: the header {name} is removed"
                continue
            before, after = self._old.resolve(old[name]), self._new.resolve(new[name])
            if before.get("required") and not after.get("required"):
                yield f"{where}: the header {name} may be absent now"
            yield from self._schema(f"{where} header {name}", before["schema"], after["schema"], is_request=False)

    def _contents(self, where: str, old: Node, new: Node, *, is_request: bool) -> Iterator[str]:
        for media, content in old.get("content", {}).items():
            if media not in new.get("content", {}):
                yield f"{where}: the media type {media} is removed"
            else:
                yield from self._schema(
                    where, content["schema"], new["content"][media]["schema"], is_request=is_request
                )

    def _schema(
        self, where: str, old: Node, new: Node, *, is_request: bool, within: frozenset[Pair] = frozenset()
    ) -> Iterator[str]:
        old, new = self._old.resolve(old), self._new.resolve(new)
        pair = (id(old), id(new), is_request)
        if pair in within or pair in self._alike:
            return
        found = list(self._differences(where, old, new, is_request=is_request, within=within | {pair}))
        if not found:
            self._alike.add(pair)
        yield from found

    def _differences(
        self, where: str, old: Node, new: Node, *, is_request: bool, within: frozenset[Pair]
    ) -> Iterator[str]:
        if old.get("type") != new.get("type"):
            yield f"{where}: the type {old.get('type', 'any')} is now {new.get('type', 'any')}"
            return
        yield from _narrowed(where, old, new) if is_request else _widened(where, old, new)
        for member in COMPOSITIONS:
            if self._old.composed(old.get(member)) != self._new.composed(new.get(member)):
                yield f"{where}: another {member}"
        yield from self._properties(where, old, new, is_request=is_request, within=within)
        for member in sorted({"items", "additionalProperties"} & (old.keys() | new.keys())):
            before, after = (ANYTHING if each in (None, True) else each for each in (old.get(member), new.get(member)))
            if isinstance(before, dict) and isinstance(after, dict):
                yield from self._schema(f"{where}/*", before, after, is_request=is_request, within=within)

    def _properties(
        self, where: str, old: Node, new: Node, *, is_request: bool, within: frozenset[Pair]
    ) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in sorted(before.keys() - after.keys()):
            yield f"{where}/{name}: removed"
        required, was_required = set(new.get("required", ())), set(old.get("required", ()))
        for name in sorted(required - was_required if is_request else was_required - required):
            if is_request or name in after:
                yield f"{where}/{name}: {'required now' if is_request else 'may be absent now'}"
        for name in sorted(before.keys() & after.keys()):
            yield from self._schema(f"{where}/{name}", before[name], after[name], is_request=is_request, within=within)


def _narrowed(where: str, old: Node, new: Node) -> Iterator[str]:
    """What a request may no longer say."""
    if old.get("nullable") and not new.get("nullable"):
        yield f"{where}: null is refused now"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{where}: other members are refused now"
    if "enum" in new:
        gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if gone or "enum" not in old:
            yield f"{where}: {', '.join(map(str, gone)) or 'all but some values'} refused now"
    for name in DEMANDS:
        # A pattern that goes on with another alternative still takes all that it took.
        if new.get(name) and old.get(name) != new[name] and not str(new[name]).startswith(f"{old.get(name)}|"):
            yield f"{where}: another {name}"
    if old.get("default") != new.get("default"):
        yield f"{where}: what is left out was {old.get('default')}, is {new.get('default')}"
    for names, is_tighter in ((UPPER, lambda a, b: b < a), (LOWER, lambda a, b: b > a)):
        for name in names:
            if name in new and (name not in old or is_tighter(old[name], new[name])):
                yield f"{where}: {name} was {old.get(name, 'unlimited')}, is {new[name]}"


def _widened(where: str, old: Node, new: Node) -> Iterator[str]:
    """What a response says that it never said."""
    if new.get("nullable") and not old.get("nullable"):
        yield f"{where}: may be null now"
    if old.get("format") != new.get("format"):
        yield f"{where}: another format"
    if isinstance(old.get("additionalProperties"), dict) and new.get("additionalProperties") is False:
        yield f"{where}: other members are never there now"


def latest_release() -> Path:
    """The file of the last released contract."""
    files = [path for path in RELEASES.glob("*.yaml") if re.fullmatch(r"\d+\.\d+\.\d+", path.stem)]
    return max(files, key=lambda path: tuple(map(int, path.stem.split("."))))


def main() -> int:
    """Compare openapi.yaml with the last release; 1 if something breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", nargs="?", type=Path, default=latest_release())
    parser.add_argument("new", nargs="?", type=Path, default=ROOT / "openapi.yaml")
    options = parser.parse_args()
    old, new = (yaml.safe_load(path.read_text("utf-8")) for path in (options.old, options.new))
    found = breaks(old, new)
    for line in found:
        print(f"  {line}")
    print(
        f"{len(found)} breaking changes since {options.old.stem}"
        if found
        else f"Nothing breaks since {options.old.stem}"
    )
    if found and new["info"]["version"].split(".")[0] != old["info"]["version"].split(".")[0]:
        print("The major version says so: clients expect it.")
        return 0
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
