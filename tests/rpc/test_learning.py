"""Learning, evaluation and audit over gRPC tell what they tell over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import status_pb2

from recollect.rpc.v1 import completion_pb2, learning_pb2, value_pb2
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges, failure

DIARY = {SPACE: "diary"}
IN_DIARY = ((SPACE, "diary"),)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """A diary of sixty meals, one of them at a mistyped place."""
    for started in run(Edges(tmp_path_factory.mktemp("learning"))):
        found = list(meals(60))
        found[9]["fields"]["where"] = "kitchne"
        started.remember("diary", found)
        started.remember("few", meals(3))
        yield started


def public(message: Message) -> Any:
    """A message in the shape of the document that HTTP gives."""
    if isinstance(message, value_pb2.Value):
        return wire.plain(message)
    told: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        content = getattr(message, field.name)
        if field.message_type is not None and field.message_type.name == "Field":
            told[field.name] = wire.plain_fields(content)
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            told[field.name] = dict(content)
        elif field.message_type is not None:
            told[field.name] = [public(each) for each in content] if field.is_repeated else public(content)
        elif field.enum_type is not None:
            name = field.enum_type.values_by_number[content].name
            told[field.name] = name.removeprefix(f"{_snake(field.enum_type.name)}_").lower()
        else:
            told[field.name] = list(content) if field.is_repeated else content
    return told.pop("job", {}) | told


def _snake(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")


def same(over_grpc: Message, over_http: dict[str, Any]) -> None:
    """Both say the same; what is null in JSON is missing in a message."""
    assert public(over_grpc) == _known(over_http)


def _known(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _known(each) for name, each in document.items() if each is not None}
    return [_known(each) for each in document] if isinstance(document, list) else document


def test_an_evaluation_says_the_same_on_both(learner: Edges) -> None:
    never = learner.learning.GetEvaluation(learning_pb2.GetEvaluationRequest(), metadata=IN_DIARY)
    assert public(never.evaluation) == {"status": "none", "progress": 0.0, "fields": [], "worst": []}
    request = learning_pb2.EvaluateSpaceRequest(fields=["where", "minutes"], cases=20, target_accuracy=0.9, wait=True)
    begun = learner.learning.EvaluateSpace(request, metadata=IN_DIARY).evaluation
    assert begun.job.status == learning_pb2.JOB_STATUS_SUCCEEDED
    over_http = learner.request("GET", "/evaluation", headers=DIARY).json()
    same(begun, over_http)
    same(learner.learning.GetEvaluation(learning_pb2.GetEvaluationRequest(), metadata=IN_DIARY).evaluation, over_http)
    assert {each.field for each in begun.fields} == {"where", "minutes"}
    assert begun.target_accuracy == 0.9
    assert {each.quality.cases for each in begun.fields} == {20}


def test_an_audit_says_the_same_on_both_page_by_page(learner: Edges) -> None:
    request = learning_pb2.AuditSpaceRequest(threshold=0.0, source_field="who", wait=True)
    begun = learner.learning.AuditSpace(request, metadata=IN_DIARY).audit
    same(begun, learner.request("GET", "/audit", headers=DIARY).json())
    assert begun.items[0].value.text == "kitchne"
    assert begun.items[0].proposed.text == "kitchen"
    cursor, pages = None, []
    while True:
        page = learner.learning.GetAudit(learning_pb2.GetAuditRequest(limit=40, cursor=cursor), metadata=IN_DIARY)
        query = {"limit": 40} | ({"cursor": cursor} if cursor else {})
        same(page.audit, learner.request("GET", "/audit", headers=DIARY, params=query).json())
        pages.append(len(page.audit.items))
        if not page.audit.HasField("next_cursor"):
            break
        cursor = page.audit.next_cursor
    assert sum(pages) == begun.suspects > 40


def test_what_was_learned_is_told_on_both(learner: Edges) -> None:
    stub = learner.learning
    assert stub.Consolidate(learning_pb2.ConsolidateRequest(wait=True), metadata=IN_DIARY).consolidation.fields_learned
    state = stub.GetConsolidation(learning_pb2.GetConsolidationRequest(), metadata=IN_DIARY).consolidation
    same(state, learner.request("GET", "/consolidation", headers=DIARY).json())
    patterns = stub.ListPatterns(learning_pb2.ListPatternsRequest(limit=5), metadata=IN_DIARY)
    same(patterns, learner.request("GET", "/patterns?limit=5", headers=DIARY).json())
    assert len(patterns.items) == 5
    for query, asked in (("", {}), ("?field=where", {"field": "where"}), ("?source=recalled", {"source": 2})):
        found = stub.GetCalibration(learning_pb2.GetCalibrationRequest(**asked), metadata=IN_DIARY)
        over_http = learner.request("GET", f"/calibration{query}", headers=DIARY).json()
        same(found, {"is_fitted": over_http.pop("status") == "fitted", **over_http})
    for query, asked in (("", {}), ("&field=where", {"field": "where"}), ("&field=nowhere", {"field": "nowhere"})):
        request = learning_pb2.GetThresholdRequest(target_accuracy=0.9, **asked)
        threshold = stub.GetThreshold(request, metadata=IN_DIARY)
        over_http = learner.request("GET", f"/calibration/threshold?target_accuracy=0.9{query}", headers=DIARY).json()
        same(threshold, {name: value for name, value in over_http.items() if value is not None})
    with pytest.raises(grpc.RpcError) as refused:
        stub.GetThreshold(learning_pb2.GetThresholdRequest(), metadata=IN_DIARY)
    assert failure(refused.value).reason == "SCHEMA_VIOLATION"


def test_feedback_of_one_edge_is_known_to_the_other(learner: Edges) -> None:
    asked = completion_pb2.CompleteRequest(partial_episode=wire.partial({"known_fields": {"what": "breakfast"}}))
    completion_id = learner.completion.Complete(asked, metadata=IN_DIARY).completion_id
    given = learning_pb2.CreateFeedbackRequest(
        completion_id=completion_id, field="where", true_value=wire.value("kitchen")
    )
    taken = learner.learning.CreateFeedback(given, metadata=IN_DIARY)
    assert taken.verdict == learning_pb2.VERDICT_RIGHT
    body = {"completion_id": completion_id, "field": "where", "verdict": "wrong"}
    again = learner.request("POST", "/feedback", headers=DIARY, json=body).json()
    assert (again["feedback_id"], again["verdict"]) == (taken.feedback_id, "wrong")


REFUSED = [
    ("EvaluateSpace", learning_pb2.EvaluateSpaceRequest(cases=9), {"cases": 9}),
    ("EvaluateSpace", learning_pb2.EvaluateSpaceRequest(cases=5001), {"cases": 5001}),
    ("EvaluateSpace", learning_pb2.EvaluateSpaceRequest(target_accuracy=1.1), {"target_accuracy": 1.1}),
    ("EvaluateSpace", learning_pb2.EvaluateSpaceRequest(fields=["a", "a"]), {"fields": ["a", "a"]}),
    ("EvaluateSpace", learning_pb2.EvaluateSpaceRequest(fields=["whre"]), {"fields": ["whre"]}),
    ("AuditSpace", learning_pb2.AuditSpaceRequest(threshold=-0.1), {"threshold": -0.1}),
    ("AuditSpace", learning_pb2.AuditSpaceRequest(source_field=""), {"source_field": ""}),
    ("AuditSpace", learning_pb2.AuditSpaceRequest(source_field="whom"), {"source_field": "whom"}),
    ("CreateFeedback", learning_pb2.CreateFeedbackRequest(completion_id="cmp_1", field="a"),
     {"completion_id": "cmp_1", "field": "a"}),
    ("CreateFeedback", learning_pb2.CreateFeedbackRequest(completion_id="1", field="a", verdict=1),
     {"completion_id": "1", "field": "a", "verdict": "right"}),
    ("CreateFeedback", learning_pb2.CreateFeedbackRequest(completion_id="cmp_1", field="a", verdict=7),
     {"completion_id": "cmp_1", "field": "a", "verdict": "maybe"}),
    ("CreateFeedback", learning_pb2.CreateFeedbackRequest(completion_id="cmp_1", field="a", verdict=1),
     {"completion_id": "cmp_1", "field": "a", "verdict": "right"}),
]  # fmt: skip
PATHS = {"EvaluateSpace": "/evaluation", "AuditSpace": "/audit", "CreateFeedback": "/feedback"}


@pytest.mark.parametrize(("method", "message", "body"), REFUSED)
def test_both_refuse_the_same_for_the_same_reason(
    learner: Edges, method: str, message: Message, body: dict[str, Any]
) -> None:
    problem = learner.request("POST", PATHS[method], headers=DIARY, json=body).json()
    with pytest.raises(grpc.RpcError) as refused:
        getattr(learner.learning, method)(message, metadata=IN_DIARY)
    assert failure(refused.value).reason == problem["code"]


def test_a_space_too_small_is_refused_by_both(learner: Edges) -> None:
    over_http = learner.request("POST", "/evaluation", headers={SPACE: "few"}, json={}).json()
    with pytest.raises(grpc.RpcError) as refused:
        learner.learning.EvaluateSpace(learning_pb2.EvaluateSpaceRequest(), metadata=((SPACE, "few"),))
    assert failure(refused.value).reason == over_http["code"] == "TOO_FEW_EPISODES"


def test_a_job_that_failed_carries_its_status(learner: Edges) -> None:
    from recollect.model import ConsolidationStatus, Job
    from recollect.rpc import learning

    failed = Job(ConsolidationStatus.FAILED, code="EXAMINATION_INTERRUPTED", detail="The process ended.")
    message = learning._job(failed)
    assert isinstance(message.problem, status_pb2.Status)
    assert (message.problem.code, message.problem.message) == (grpc.StatusCode.UNAVAILABLE.value[0], failed.detail)


def test_a_filled_table_names_a_misspelt_column_on_both_edges(learner: Edges) -> None:
    request = completion_pb2.FillRequest(targets=["where"])
    request.rows.add().cells.add(name="waht", value=value_pb2.Value(text="lunch"))
    body = {"rows": [{"waht": "lunch"}], "targets": ["where"]}
    [told] = learner.request("POST", "/fill", json=body, headers=DIARY).json()["cue_notes"]
    [note] = learner.completion.Fill(request, metadata=IN_DIARY).cue_notes
    assert (note.field, note.message, list(note.nearest)) == (told["field"], told["message"], told["nearest"])
    assert told["nearest"][0] == "what"
