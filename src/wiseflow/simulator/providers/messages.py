"""What the chat protocols have alike: messages, tools, parts of a streamed text."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from zlib import crc32

from wiseflow.simulator.calls import CHARACTERS_A_TOKEN, Incoming, Tool, encode
from wiseflow.simulator.problems import bad_request

WORD = re.compile(r"\w+")


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_text_of_part, cast("list[Any]", content))))
    return ""


def _text_of_part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    fields = cast("dict[str, Any]", part)
    return text_of(fields.get("text") or fields.get("content") or "")


def conversation(messages: Any) -> str:
    """All messages as one text.

    Raises:
        Unanswerable: they are no list of messages, or there are none.
    """
    if not isinstance(messages, list) or not messages:
        raise bad_request("'messages' must be a list that is not empty")
    texts: list[str] = []
    for message in cast("list[Any]", messages):
        if not isinstance(message, dict) or "role" not in message:
            raise bad_request("each of 'messages' must be an object with a 'role'")
        texts.append(text_of(cast("dict[str, Any]", message).get("content")))
    return "\n\n".join(filter(None, texts))


def ends_with(messages: Sequence[Any], role: str) -> bool:
    """Whether the last message is of a role."""
    return bool(messages) and messages[-1].get("role") == role


def tools_of(tools: Any) -> tuple[Tool, ...]:
    """The tools of OpenAI's and Ollama's form.

    Raises:
        Unanswerable: they are not of that form.
    """
    try:
        return tuple(
            Tool(name=one["function"]["name"], schema=one["function"].get("parameters") or {})
            for one in tools or ()
        )
    except (TypeError, KeyError) as error:
        raise bad_request(f"'tools' are not of the form of functions ({error})") from error


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
    if isinstance(value, list) and value:
        texts = cast("list[Any]", value)
        if all(isinstance(one, str) for one in texts):
            return tuple(cast("list[str]", texts))
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
