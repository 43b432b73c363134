"""What is asked of models, search providers and pages, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wiseflow.core.calls import Reply


class Speaker(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation with a model."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A conversation to go on with.

    Args:
        messages: the oldest first.
        max_tokens: the most the answer may have; always given, as the worst case is paid for.
        temperature: 0 for the likeliest answer.
        schema: the JSON schema that the answer is to conform to, or ``None`` for free text.
        schema_name: what the provider calls the schema: letters, digits and underscores.
        context_tokens: how long a context the model is to be loaded with, for servers that must be
            told (Ollama's ``num_ctx``); ``None`` leaves it to the server.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    schema: Mapping[str, object] | None = None
    schema_name: str = "answer"
    context_tokens: int | None = None


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What a model said.

    Args:
        text: without the model's thoughts.
        model: the name the provider gives it.
        finish: whether it came to its end, or was cut at ``max_tokens``.
    """

    text: str
    model: str
    finish: Finish = Finish.STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What to search for.

    Args:
        query: the words.
        limit: at most so many results.
        language: ISO 639-1 code, or "" for any.
        since, until: ISO dates (``2026-11-21``) of publication, or "".
    """

    query: str
    limit: int = 5
    language: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One result, the same for all providers.

    Args:
        title, url, snippet: as the provider gives them, as plain text.
        published: ISO date, or "" when not told.
        score: how well it fits by the provider's own measure, or by rank: 1 is best, above 0.
        provider: who found it.
        text: the whole text of the page, or a paper's abstract, where the provider gives it,
            else "".
        doi: of the work, in lower case without its resolver (``10.1000/182``); "" when not told.
        authors: names, in the work's order; none when not told.
        site: the name of the journal or the site that it is of, or "".
    """

    title: str
    url: str
    snippet: str
    provider: str
    published: str = ""
    score: float = 0.0
    text: str = ""
    doi: str = ""
    authors: tuple[str, ...] = ()
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The results of one search, the best first; none when nothing was found."""

    results: tuple[SearchResult, ...]
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """A page or a file to fetch.

    Args:
        url: ``http`` or ``https``.
        max_bytes: of the body, after decompression.
    """

    url: str
    max_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an address gave.

    Args:
        url: where it came from in the end, after redirects.
        content_type: without parameters, in lower case; "" when not told.
        charset: as told with it; "" when not.
        body: decompressed.
    """

    url: str
    content_type: str
    body: bytes
    charset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """Texts to be embedded, each not empty."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """One vector for each text, in order, all of one length."""

    vectors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTest:
    """What testing a key showed.

    Args:
        valid: whether the provider took it.
        address: what was asked.
        detail: what the provider said, in a sentence.
        remaining: what is left of the key's quota, in words; "" when the provider does not tell.
        latency_s: how long the answer took.
        models: the models it named, where it names any.
    """

    valid: bool
    address: str
    detail: str = ""
    remaining: str = ""
    latency_s: float = 0.0
    models: tuple[str, ...] = ()


class ChatModel(Protocol):
    """A model that goes on with conversations; one model name of one endpoint."""

    async def complete(
        self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None
    ) -> Reply[ChatAnswer]:
        """The next message.

        Args:
            request: the conversation.
            on_text: is given the parts of the answer as they come; it is then streamed.

        Raises:
            CallError: its leaf says what happened.
        """
        ...


class SearchProvider(Protocol):
    """A search provider."""

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        ...


class Fetcher(Protocol):
    """Fetches pages."""

    async def fetch(self, request: FetchRequest, *, owner: str = "") -> Reply[Page]:
        """What an address gives, redirects followed, for a research. Raises ``CallError``."""
        ...


class EmbeddingModel(Protocol):
    """A model that turns texts into vectors."""

    @property
    def max_batch(self) -> int:
        """How many texts one call may hold."""
        ...

    async def embed(self, texts: Sequence[str]) -> Reply[Vectors]:
        """A vector for each text. Raises ``CallError``."""
        ...
