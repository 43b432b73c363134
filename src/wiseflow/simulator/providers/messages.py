"""What the chat protocols have alike: messages, tools, parts of a streamed text."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast
from zlib import crc32

from wiseflow.simulator.calls import CHARACTERS_A_TOKEN, JSON, Incoming, Reply, Tool, encode
from wiseflow.simulator.problems import bad_request
from wiseflow.simulator.writer import Written

WORD = re.compile(r"\w+")


def fields_of(value: Any) -> Mapping[str, Any]:
    """A JSON object's fields; none where there is no object."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def elements_of(value: Any) -> Sequence[Any]:
    """A JSON list's elements; none where there is no list."""
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(filter(None, map(_text_of_part, elements_of(content))))


def _text_of_part(part: Any) -> str:
    fields = fields_of(part)
    return text_of(fields.get("text") or fields.get("content") or "")


def conversation(messages: Any) -> str:
    """All messages as one text.

    Raises:
        Unanswerable: they are no list of messages, or there are none.
    """
    found = [fields_of(one) for one in elements_of(messages)]
    if not found:
        raise bad_request("'messages' must be a list that is not empty")
    if not all("role" in one for one in found):
        raise bad_request("each of 'messages' must be an object with a 'role'")
    return "\n\n".join(filter(None, (text_of(one.get("content")) for one in found)))


def ends_with(messages: Any, role: str) -> bool:
    """Whether the last message is of a role."""
    found = elements_of(messages)
    return bool(found) and fields_of(found[-1]).get("role") == role


def tools_of(tools: Any) -> tuple[Tool, ...]:
    """The tools of OpenAI's and Ollama's form.

    Raises:
        Unanswerable: they are not of that form.
    """
    functions = [fields_of(fields_of(one).get("function")) for one in elements_of(tools)]
    if not all("name" in one for one in functions):
        raise bad_request("each of 'tools' must be an object with a 'function' that has a 'name'")
    return tuple(
        Tool(name=str(one["name"]), schema=fields_of(one.get("parameters"))) for one in functions
    )


def required(incoming: Incoming, name: str) -> str:
    """A field that must be a text.

    Raises:
        Unanswerable: it is none, or empty.
    """
    value = incoming.body.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"'{name}' must be a text that is not empty")
    return value


def whole_number(incoming: Incoming, name: str, default: int | None = None) -> int | None:
    """A field that is a number above 0, or missing.

    Raises:
        Unanswerable: it is something else.
    """
    return checked_number(incoming.body.get(name), name, default)


def checked_number(value: Any, name: str, default: int | None = None) -> int | None:
    """A value that is a number above 0, or missing.

    Raises:
        Unanswerable: it is something else.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise bad_request(f"'{name}' must be a whole number above 0")
    return value


def reply_of(
    *written: Written, body: Any = None, chunks: Iterable[bytes] = (), content_type: str = JSON
) -> Reply:
    """An answer that a model has written, with its tokens: a JSON body, or parts."""
    return Reply(
        body=b"" if body is None else encode(body),
        chunks=tuple(chunks),
        content_type=content_type,
        tokens_in=sum(one.tokens_in for one in written),
        tokens_out=sum(one.tokens_out for one in written),
    )


def pieces(text: str, tokens: int) -> Iterator[str]:
    """A text in parts of so many tokens."""
    size = tokens * CHARACTERS_A_TOKEN
    return (text[at : at + size] for at in range(0, len(text), size))


def event(data: Mapping[str, Any], name: str = "") -> bytes:
    """One server-sent event."""
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + encode(data) + b"\n\n"


def texts_of(value: Any) -> tuple[str, ...]:
    """What is to be embedded: a text or a list of texts.

    Raises:
        Unanswerable: it is neither, or empty.
    """
    if isinstance(value, str) and value:
        return (value,)
    texts = elements_of(value)
    if texts and all(isinstance(one, str) for one in texts):
        return tuple(map(str, texts))
    raise bad_request("'input' must be a text, or a list of texts, that is not empty")


def vector(text: str, size: int) -> array[float]:
    """A vector of length 1: texts that share words have like ones.

    Source: feature hashing with signs, Weinberger et al. 2009.
    """
    numbers = array("f", bytes(4 * size))
    for word in WORD.findall(text.lower()):
        hashed = crc32(word.encode())
        numbers[hashed % size] += 1.0 if hashed & 0x8000_0000 else -1.0
    norm = math.sqrt(sum(one * one for one in numbers))
    if not norm:
        numbers[0] = norm = 1.0
    return array("f", (one / norm for one in numbers))
