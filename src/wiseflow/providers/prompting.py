"""What is said to a model in words where its endpoint has no better way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from wiseflow.core.asking import ChatRequest, Message, Speaker

_NAMES = {Speaker.SYSTEM: "System", Speaker.USER: "User", Speaker.ASSISTANT: "Assistant"}


def ask_for_json(request: ChatRequest) -> tuple[Message, ...]:
    """The messages of a request, of which the last asks for JSON of its schema in words."""
    if request.schema is None:
        return request.messages
    wish = (
        "Answer with one JSON value and nothing else: no explanation, no code fence. "
        f"It has to conform to this JSON schema:\n{json.dumps(request.schema, ensure_ascii=False)}"
    )
    *before, last = request.messages
    if last.speaker is Speaker.USER:
        return (*before, replace(last, text=f"{last.text}\n\n{wish}"))
    return (*request.messages, Message(speaker=Speaker.USER, text=wish))


def transcript(messages: Iterable[Message]) -> str:
    """A conversation as one text to go on with, for servers that know no speakers.

    A single message is given as it is: most such models have been trained to just go on.
    """
    listed = list(messages)
    if len(listed) == 1:
        return listed[0].text
    turns = [f"{_NAMES[message.speaker]}: {message.text}" for message in listed]
    return "\n\n".join([*turns, f"{_NAMES[Speaker.ASSISTANT]}:"])
