"""The simulator's model without its server: what a judge says counts, not how it is reached."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from wiseflow.core.asking import ChatAnswer, ChatRequest
from wiseflow.core.calls import RunContext
from wiseflow.core.documents import Hit, Source, passage_of
from wiseflow.core.gateways import ModelRoom
from wiseflow.core.report import Citation
from wiseflow.simulator.calls import Prompt, count_tokens
from wiseflow.simulator.writer import Writer

ROOM = ModelRoom(context_tokens=64_000, output_tokens=8_000)


class OracleModels:
    """Models that are the simulator's writer, called where they are.

    Args:
        writer: answers every prompt.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def complete(
        self,
        request: ChatRequest,
        *,
        model: str,
        context: RunContext,  # noqa: ARG002 - the port's
        step: str,  # noqa: ARG002 - the port's
        closing: bool = False,  # noqa: ARG002 - the port's
        on_text: Callable[[str], None] | None = None,  # noqa: ARG002 - the port's
    ) -> ChatAnswer:
        """What the writer says."""
        text = "\n\n".join(message.text for message in request.messages)
        prompt = Prompt(text=text, schema=request.schema, max_tokens=request.max_tokens)
        return ChatAnswer(text=self._writer.write(prompt).text, model=model)

    def room(self, model: str) -> ModelRoom:  # noqa: ARG002 - the port's
        """More than enough."""
        return ROOM

    def count(self, model: str, text: str) -> int:  # noqa: ARG002 - the port's
        """As the simulator counts."""
        return count_tokens(text)


def source_of(source_id: str, title: str, text: str) -> Source:
    """A stored document of the measurement."""
    return Source(
        source_id=source_id,
        collection="bench",
        document_id=source_id,
        path="",
        title=title,
        url="",
        published="",
        language="en",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )


def hit_of(source: Source, at: int, *, whole: bool = False) -> Hit:
    """The paragraph of a source that a character stands in, or all of it, as a search finds it."""
    start = (
        0 if whole else source.text.rfind("\n\n", 0, at) + 2 if "\n\n" in source.text[:at] else 0
    )
    end = len(source.text) if whole else source.text.find("\n\n", at)
    end = len(source.text) if end < 0 else end
    return Hit(passage=passage_of(source, start, end), score=1.0, language=source.language)


def cited(hit: Hit, start: int, end: int) -> Citation:
    """A citation of characters of the source of a passage."""
    passage = hit.passage
    return Citation(
        source_id=passage.source_id,
        passage_id=passage.passage_id,
        start=start,
        end=end,
        quote=passage.text[start - passage.start : end - passage.start],
    )
