"""The contract as a document: complete, limited, exemplified, and one with the tables beside it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
import yaml
from connexion.exceptions import InvalidSpecification
from connexion.spec import OpenAPISpecification
from openapi_schema_validator import OAS30Validator, oas30_format_checker

import recollect.errors
from handlers.contract import read
from recollect.service.access import ACTIONS

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "openapi.yaml").read_text("utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
COMPONENTS: dict[str, Any] = DOCUMENT["components"]
PROBLEM_TYPES = {row["code"]: row for row in yaml.safe_load((ROOT / "handlers/problem_types.yaml").read_text("utf-8"))}
DEMO = [json.loads(line) for line in (ROOT / "recollect/demo/episodes.jsonl").read_text("utf-8").splitlines()]

METHODS = {"get", "put", "post", "patch", "delete"}
VERBS = {
    "audit", "complete", "consolidate",
    "create", "delete", "evaluate", "fill", "forget", "get", "import", "list", "merge", "patch", "probability", "prove",
    "put", "recall", "unmerge",
}  # fmt: skip
ANYWHERE = {"400", "401", "403", "406", "429", "431", "500", "503", "504", "default"}
COMPLETIONS = {"complete", "complete_stream", "fill", "probability"}


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """The node, or what its reference points to."""
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


OPERATIONS = {
    operation["operationId"]: {
        **operation,
        "parameters": [*item.get("parameters", []), *operation.get("parameters", [])],
    }
    for item in DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method in METHODS
}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def responses(name: str) -> dict[str, dict[str, Any]]:
    return {status: resolve(response) for status, response in OPERATIONS[name]["responses"].items()}


def parameter_names(name: str) -> set[str]:
    return {resolve(parameter)["name"] for parameter in OPERATIONS[name]["parameters"]}


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Why the value does not fit the schema; the validator is not the service's own."""
    whole = {"allOf": [schema], "components": COMPONENTS}
    validator = OAS30Validator(whole, format_checker=oas30_format_checker)
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(value)]


def schemas_within(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and those written inside of it; what a reference names is looked at under its own name."""
    if "$ref" in schema:
        return
    yield where, schema
    for name, member in schema.get("properties", {}).items():
        yield from schemas_within(member, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas_within(schema[key], f"{where}.{key}")


def every_schema() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in COMPONENTS["schemas"].items():
        yield from schemas_within(schema, name)
    for kind in ("parameters", "headers"):
        for name, component in COMPONENTS[kind].items():
            yield from schemas_within(component["schema"], f"{kind}.{name}")


SCHEMAS = dict(every_schema())


def media_types() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every place where a body is described."""
    for name, operation in OPERATIONS.items():
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} request", media, content
        for status, response in responses(name).items():
            for media, content in response.get("content", {}).items():
                yield f"{name} {status}", media, content


def test_the_document_is_valid_openapi_3_0() -> None:
    assert DOCUMENT["openapi"] == "3.0.3"
    openapi_spec_validator.validate(DOCUMENT)


def test_the_contract_that_no_start_judges_is_sound_by_the_schema_that_connexion_would_hold_it_against() -> None:
    _, served = read()
    assert served == DOCUMENT
    OpenAPISpecification(served)
    del served["info"]["title"]
    with pytest.raises(InvalidSpecification):
        OpenAPISpecification(served)


def test_the_document_passes_through_a_template_engine_unchanged() -> None:
    assert not [mark for mark in ("{{", "{%", "{#") if mark in TEXT]


def test_there_is_no_choice_between_schemas() -> None:
    assert "oneOf" not in TEXT


def test_operation_ids_are_unique_bare_verb_nouns() -> None:
    operations = [op for item in DOCUMENT["paths"].values() for method, op in item.items() if method in METHODS]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name), name
        assert name.split("_")[0] in VERBS, name


def test_every_operation_has_an_action_that_it_needs() -> None:
    assert set(OPERATIONS) <= set(ACTIONS)


@each_operation
def test_an_operation_has_one_declared_tag_and_says_when_not_to_use_it(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert operation["summary"]
    assert "Do not use it" in operation["description"]


def test_the_root_asks_for_a_key_and_nothing_takes_it_back() -> None:
    assert DOCUMENT["security"] == [{"bearer": []}]
    assert not [name for name, operation in OPERATIONS.items() if "security" in operation]


@each_operation
def test_an_operation_declares_every_status_it_can_give(name: str) -> None:
    operation, statuses = OPERATIONS[name], set(OPERATIONS[name]["responses"])
    expected = set(ANYWHERE)
    if "requestBody" in operation:
        expected |= {"413", "415"}
    if "X-Memory-Space" in parameter_names(name) or (parameter_names(name) & {"space_id"} and name != "put_space"):
        expected.add("404")
    if parameter_names(name) & {"If-Match"}:
        expected.add("412")
    if ACTIONS[name] in {"write", "admin"}:
        expected |= {"409", "507"}
    assert expected <= statuses
    assert ("422" in statuses) == (name in COMPLETIONS)
    assert any(status.startswith("2") for status in statuses)


@each_operation
def test_every_error_is_a_problem_document(name: str) -> None:
    for status, response in responses(name).items():
        if status[0] not in "23":
            assert set(response["content"]) == {"application/problem+json"}, status
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, status


@each_operation
def test_every_reply_names_the_request(name: str) -> None:
    for status, response in responses(name).items():
        assert "X-Request-Id" in response["headers"], status
        if status in {"429", "503"}:
            assert "Retry-After" in response["headers"], status
        if status == "401":
            assert "WWW-Authenticate" in response["headers"]
        if status[0] == "2" and status != "204":
            assert {"Server-Timing", "RateLimit", "RateLimit-Policy", "Vary", "Cache-Control"} <= set(
                response["headers"]
            )
        if status == "201":
            assert {"Location", "ETag"} <= set(response["headers"])


def test_the_memory_space_is_asked_for_in_the_data_plane_only() -> None:
    with_space = {name for name in OPERATIONS if "X-Memory-Space" in parameter_names(name)}
    assert with_space == {name for name in OPERATIONS if OPERATIONS[name]["tags"][0] not in {"spaces", "system"}}


def test_every_body_is_described_by_a_named_schema() -> None:
    inline = [f"{where} {media}" for where, media, content in media_types() if "$ref" not in content["schema"]]
    assert not inline


def test_every_object_with_members_has_a_name_of_its_own() -> None:
    assert not [where for where, schema in SCHEMAS.items() if "." in where and "properties" in schema]


@pytest.mark.parametrize("where", SCHEMAS)
def test_everything_has_a_limit(where: str) -> None:
    schema = SCHEMAS[where]
    match schema.get("type"):
        case "string":
            assert "maxLength" in schema or "enum" in schema
        case "array":
            assert "maxItems" in schema
            assert schema["items"]
        case "object":
            assert schema.get("additionalProperties") is False or "maxProperties" in schema
        case "integer" | "number":
            assert "minimum" in schema
            assert "maximum" in schema


def test_the_shapes_that_are_ours_are_closed() -> None:
    assert not [
        w for w, schema in SCHEMAS.items() if "properties" in schema and schema["additionalProperties"] is not False
    ]


def test_every_schema_says_what_it_is() -> None:
    assert not [name for name, schema in COMPONENTS["schemas"].items() if not schema.get("description")]


def test_every_body_has_named_examples_that_fit_its_schema() -> None:
    found = []
    for where, media, content in media_types():
        assert content.get("examples"), f"{where} {media}"
        for name, reference in content["examples"].items():
            example = resolve(reference)
            assert example["summary"], name
            found += [f"{where} {name}: {fault}" for fault in faults(content["schema"], example["value"])]
    assert not found


def test_every_example_beside_a_schema_fits_it() -> None:
    found = []
    for where, schema in SCHEMAS.items():
        if "example" in schema:
            found += [f"{where}: {fault}" for fault in faults(schema, schema["example"])]
    for kind in ("parameters", "headers"):
        for name, component in COMPONENTS[kind].items():
            if "example" in component:
                found += [f"{name}: {fault}" for fault in faults(component["schema"], component["example"])]
    assert not found


def test_refusals_of_completion_come_first_and_with_several_examples() -> None:
    for name in COMPLETIONS:
        errors = [status for status in OPERATIONS[name]["responses"] if status[0] not in "23"]
        assert errors[0] == "422"
        assert len(responses(name)["422"]["content"]["application/problem+json"]["examples"]) >= 2


@pytest.mark.parametrize("value", ["x", "", 3, 3.0, -1, True, [], ["x", 3, 3.5, False], "x" * 32_768])
def test_field_values_take_text_numbers_booleans_and_lists_of_those(value: Any) -> None:
    assert not faults({"$ref": "#/components/schemas/FieldValue"}, value)


@pytest.mark.parametrize("value", [None, {}, {"a": 1}, [None], [[1]], [{}], "x" * 32_769, [1] * 1_025])
def test_field_values_refuse_null_objects_nesting_and_excess(value: Any) -> None:
    assert faults({"$ref": "#/components/schemas/FieldValue"}, value)


def test_what_is_excluded_is_said_in_words() -> None:
    assert not [where for where, schema in SCHEMAS.items() if "not" in schema and not schema["not"].get("description")]


def test_a_vector_is_given_in_one_spelling() -> None:
    both = {"partial_embedding": [0.5], "partial_embedding_b64": "AAAAPw=="}
    assert faults({"$ref": "#/components/schemas/PartialEpisode"}, both)
    for name in both:
        assert not faults({"$ref": "#/components/schemas/PartialEpisode"}, {name: both[name]})


def test_problem_examples_agree_with_the_catalogue() -> None:
    problems = [e["value"] for name, e in COMPONENTS["examples"].items() if name.startswith("Problem")]
    problems += [
        item["problem"] for item in COMPONENTS["examples"]["BatchOneFailed"]["value"]["items"] if "problem" in item
    ]
    for problem in problems:
        row = PROBLEM_TYPES[problem["code"]]
        expected = {"type": f"/problems/{row['slug']}", "title": row["title"], "status": row["status"]}
        assert {key: problem[key] for key in expected} == expected


def test_the_catalogue_has_every_code_once_with_its_page() -> None:
    rows = yaml.safe_load((ROOT / "handlers/problem_types.yaml").read_text("utf-8"))
    assert len(PROBLEM_TYPES) == len(rows)
    for row in rows:
        assert list(row) == ["slug", "code", "title", "status", "meaning", "causes", "remedy"]
        assert row["slug"] == row["code"].lower().replace("_", "-")
        assert all(row[part] for part in row)
        assert 400 <= row["status"] < 600


def test_every_code_that_the_service_raises_is_in_the_catalogue() -> None:
    tree = [
        each.code for each in vars(recollect.errors).values() if hasattr(each, "code") and hasattr(each, "retryable")
    ]
    raised = [
        code
        for folder in ("handlers", "recollect")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "keys.py"  # makes keys for the command line, never for a request
        for code in re.findall(r'\bcode="([A-Z][A-Z0-9_]+)"', path.read_text("utf-8"))
    ]
    assert sorted({*tree, *raised} - set(PROBLEM_TYPES)) == []


def test_only_completion_gives_422() -> None:
    assert [code for code, row in PROBLEM_TYPES.items() if row["status"] == 422] == ["INSUFFICIENT_EVIDENCE"]


def test_demo_episodes_fit_the_contract_and_come_in_order() -> None:
    assert not [fault for episode in DEMO for fault in faults({"$ref": "#/components/schemas/EpisodeInput"}, episode)]
    assert [episode["id"] for episode in DEMO] == [f"ep_demo_{number:04d}" for number in range(1, len(DEMO) + 1)]
    times = [episode["occurred_at"] for episode in DEMO]
    assert times == sorted(times) == [episode["fields"]["when"] for episode in DEMO]


def test_demo_episodes_have_habits_and_oddities() -> None:
    where = [episode["fields"]["where"] for episode in DEMO if episode["fields"]["what"] == "breakfast"]
    assert where.count("kitchen") / len(where) > 0.75
    whats = [episode["fields"]["what"] for episode in DEMO]
    assert sum(whats.count(what) == 1 for what in whats) >= 10


def test_examples_quote_the_demo_space_as_it_is() -> None:
    stored = {episode["id"]: episode["fields"] for episode in DEMO}
    for item in COMPONENTS["examples"]["RecalledWalks"]["value"]["items"]:
        assert item["episode"]["fields"] == stored[item["episode"]["id"]]
    mentioned = set(re.findall(r"ep_demo_\d{4}", TEXT)) - {"ep_demo_9999"}
    assert mentioned <= set(stored)
