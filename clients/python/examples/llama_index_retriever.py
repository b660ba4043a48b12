"""LlamaIndex: a retriever over the stored episodes, and completions as what it retrieves where an answer is sure.

    pip install llama-index-core recollect-sdk

A question goes into the field of the space that holds words (`field`); what else is known narrows the search.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from recollect_sdk import Recollect, Refusal, Space


class RecollectRetriever(BaseRetriever):
    """The episodes most like a question, and before them, if the memory is sure enough, the completed episode.

    The score of a stored episode is its similarity, that of a completed one its calibrated confidence.
    """

    def __init__(
        self,
        space: Space,
        field: str,
        *,
        known: Mapping[str, Any] | None = None,
        limit: int = 4,
        completes: bool = False,
    ) -> None:
        self._space, self._field, self._known = space, field, dict(known or {})
        self._limit, self._completes = limit, completes
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        known = {**self._known, self._field: query_bundle.query_str}
        nodes = self._completed(known) if self._completes else []
        for each in self._space.recall(known, limit=self._limit):
            nodes.append(_node(each.episode.id, each.episode.fields, each.similarity))
        return nodes

    def _completed(self, known: Mapping[str, Any]) -> list[NodeWithScore]:
        try:
            answer = self._space.complete(known)
        except Refusal:
            return []
        fields = {name: answer[name].value for name in answer}
        return [_node(answer.completion_id, {**known, **fields}, answer.confidence)]


def _node(node_id: str, fields: Mapping[str, Any], score: float) -> NodeWithScore:
    text = "\n".join(f"{name}: {value}" for name, value in fields.items())
    return NodeWithScore(node=TextNode(id_=node_id, text=text, metadata=dict(fields)), score=score)


def main() -> None:
    """Ask the demo."""
    with Recollect() as service:
        retriever = RecollectRetriever(service.space("demo"), "what", limit=2, completes=True)
        for each in retriever.retrieve("breakfast"):
            print(each.node.node_id, each.score, each.node.metadata["where"])


if __name__ == "__main__":
    main()
