"""What every provider's request comes down to, and what is answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JSON = "application/json"
CHARACTERS_A_TOKEN = 4


class CallKind(StrEnum):
    """What a request asks for; latencies and prices go by it."""

    MODEL = "model"
    SEARCH = "search"
    PAGE = "page"
    EMBED = "embed"
    INFO = "info"


class Ending(StrEnum):
    """How a request ended, as the log tells it."""

    ANSWERED = "answered"
    LIMITED = "limited"
    FAULTED = "faulted"
    REFUSED = "refused"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that a model may call.

    Args:
        name: what it is called by.
        schema: the JSON schema of its arguments.
    """

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request to a model, in no provider's words.

    Args:
        text: all messages, oldest first.
        schema: the JSON schema that the answer must have, if one is asked for outside the text.
        tools: what may be called.
        forced: the name of the tool that must be called; "" leaves it to the model.
        max_tokens: the longest answer.
        context: tokens of the text that are read, the last ones; the rest is cut away silently.
        as_json: any JSON object will do.
    """

    text: str
    schema: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()
    forced: str = ""
    max_tokens: int | None = None
    context: int | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came.

    Args:
        body: the parsed JSON object, empty where there is none.
        query: of the address.
        headers: names in lower case.
        parts: what the route's pattern caught.
        digest: of the method, the address and the body: equal requests have equal ones.
        size: bytes of the body.
    """

    body: Mapping[str, Any]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    parts: Mapping[str, str]
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked for.

    Args:
        kind: what it is.
        model: its name, or "".
        prompts: for a model, usually one; a batch has more.
        texts: to be embedded.
        query: to be searched for.
        count: how many results are asked for.
        stream: whether the answer comes in parts.
        tokens_in: of all prompts and texts.
    """

    kind: CallKind
    model: str = ""
    prompts: tuple[Prompt, ...] = ()
    texts: tuple[str, ...] = ()
    query: str = ""
    count: int = 10
    stream: bool = False
    tokens_in: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, ready to be sent.

    Args:
        body: all of it; empty when it is streamed.
        chunks: the parts of a streamed one.
        status: of HTTP.
        content_type: of the body.
        tokens_in: as the answer reports them.
        tokens_out: as the answer reports them.
        headers: of the provider.
    """

    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    status: int = 200
    content_type: str = JSON
    tokens_in: int = 0
    tokens_out: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body) + sum(map(len, self.chunks))


def count_tokens(text: str) -> int:
    """The tokens of a text by the simulator's one rule: a token is four characters, rounded up."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def encode(value: object) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(*parts: bytes) -> str:
    """A short digest of the parts."""
    hashed = hashlib.blake2b(digest_size=12)
    for part in parts:
        hashed.update(part)
        hashed.update(b"\0")
    return hashed.hexdigest()


def units(*parts: object) -> tuple[float, float, float, float]:
    """Four numbers from 0 to below 1 that depend on nothing but the parts.

    Drawn so, and not from one stream of random numbers, a request gets the same luck in whatever
    order the requests of a run arrive.
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=32).digest()
    numbers = (int.from_bytes(digest[at : at + 7], "big") / 2**56 for at in (0, 8, 16, 24))
    return next(numbers), next(numbers), next(numbers), next(numbers)
