"""LangChain: a retriever over the stored episodes, and a chat history kept as episodes.

    pip install langchain-core recollect-sdk

A question goes into the field of the space that holds words (`field`); what else is known narrows the search.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, messages_from_dict, messages_to_dict
from langchain_core.retrievers import BaseRetriever
from recollect_sdk import Recollect, Space


class RecollectRetriever(BaseRetriever):
    """The episodes most like a question, each a document of its fields; a similarity is no probability."""

    space: Any
    field: str
    known: Mapping[str, Any] = {}
    limit: int = 4

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = self.space.recall({**self.known, self.field: query}, limit=self.limit)
        return [
            Document(
                "\n".join(f"{name}: {value}" for name, value in each.episode.fields.items()),
                id=each.episode.id,
                metadata={**each.episode.fields, "similarity": each.similarity},
            )
            for each in found
        ]


class RecollectHistory(BaseChatMessageHistory):
    """The messages of one conversation, each an episode of a space."""

    def __init__(self, space: Space, conversation: str) -> None:
        self._space, self._conversation = space, conversation

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """In the order in which they were said."""
        own = [each for each in self._space.episodes() if each.fields.get("conversation") == self._conversation]
        said = sorted(own, key=lambda each: each.fields["place"])
        return messages_from_dict([json.loads(each.fields["message"]) for each in said])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add what was said."""
        begin = len(self.messages)
        for place, message in enumerate(messages_to_dict(messages), begin):
            fields = {"conversation": self._conversation, "place": place, "message": json.dumps(message)}
            self._space.remember(fields)

    def clear(self) -> None:
        """Forget the conversation."""
        where = {"fields": {"conversation": self._conversation}}
        count = self._space.forget(where).count
        self._space.forget(where, expected_count=count, dry_run=False)


def main() -> None:
    """Ask the demo, and keep a conversation of two."""
    with Recollect() as service:
        retriever = RecollectRetriever(space=service.space("demo"), field="what", limit=2)
        for document in retriever.invoke("breakfast"):
            print(document.id, document.metadata["what"])
        space = service.space("conversations").create()
        history = RecollectHistory(space, "monday")
        history.add_user_message("Where do I have breakfast?")
        history.add_ai_message("In the kitchen.")
        print([message.content for message in RecollectHistory(space, "monday").messages])
        history.clear()
        print(len(history.messages), "left")
        space.delete()


if __name__ == "__main__":
    main()
