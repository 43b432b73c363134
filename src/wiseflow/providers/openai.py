"""OpenAI, and any endpoint that speaks as it does (``LLM_API_KEY``, ``LLM_API_BASE``).

Source: OpenAI, API reference ("Chat completions", "Embeddings", "Models").
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, TypeGuard

from wiseflow.core.asking import ChatModel, EmbeddingModel, KeyTest, Vectors
from wiseflow.core.calls import CallKind, Reply, Usage
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi, JsonReply
from wiseflow.providers.key_tests import tested_key
from wiseflow.providers.keys import bearer, told_by_models
from wiseflow.providers.lazy import LazyChat
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.shapes import count_of, fields_of, items_of, objects_of
from wiseflow.providers.statuses import malformed
from wiseflow.text.tokens import estimate_tokens

DEFAULT_BASE: Final = "https://api.openai.com/v1"
# OpenAI takes 2,048 texts and 300,000 tokens at once; servers of one's own often but 32.
# Source: OpenAI, API reference, "Embeddings"; Hugging Face's text-embeddings-inference,
# ``--max-client-batch-size``.
MAX_BATCH: Final = 256
MAX_BATCH_ELSEWHERE: Final = 32


class OpenAIService:
    """An endpoint that speaks as OpenAI's does.

    Args:
        endpoint: its options: ``max_batch``, how many texts may be embedded at once.
        clients: whose client of it is used.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._api = JsonApi(endpoint, clients, bearer(endpoint))

    def chat(self, model: str) -> ChatModel:
        """The model of that name, for conversations."""
        return LazyChat(
            "wiseflow.providers.openai_library",
            lambda library: library.chat(self._endpoint, self._clients, model),
            purpose=f"asking {self._endpoint.provider}",
        )

    def embeddings(self, model: str) -> EmbeddingModel:
        """The model of that name, for vectors."""
        return OpenAIEmbeddings(self._endpoint, self._api, model)

    async def test_key(self) -> KeyTest:
        """Whether the key is taken, by asking for the models. Raises ``CallError``."""
        ask = partial(told_by_models, self._api, "models")
        return await tested_key(self._endpoint, self._clients.clock, ask)


class OpenAIEmbeddings:
    """A model for vectors. It is asked without OpenAI's library, which adds nothing here."""

    def __init__(self, endpoint: Endpoint, api: JsonApi, model: str) -> None:
        self._endpoint = endpoint
        self._api = api
        self._model = model

    @property
    def max_batch(self) -> int:
        """How many texts one call may hold."""
        own = self._endpoint.base_url.startswith(DEFAULT_BASE)
        wanted = self._endpoint.options.get("max_batch")
        return wanted if isinstance(wanted, int) else MAX_BATCH if own else MAX_BATCH_ELSEWHERE

    async def embed(self, texts: Sequence[str]) -> Reply[Vectors]:
        """A vector for each text. Raises ``CallError``."""
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        reply = await self._api.post("embeddings", body)
        vectors = [row for _, row in sorted(_rows(reply.body), key=itemgetter(0))]
        return Reply(
            value=as_vectors(self._endpoint, vectors, len(texts)),
            usage=Usage(input_tokens=_used(reply, texts), bytes=reply.bytes),
            allowances=reply.allowances,
        )


def _rows(body: Any) -> list[tuple[int, object]]:
    rows = objects_of(fields_of(body).get("data"))
    return [
        (count_of(row.get("index", place)), row.get("embedding")) for place, row in enumerate(rows)
    ]


def as_vectors(endpoint: Endpoint, rows: Sequence[object], count: int) -> Vectors:
    """Rows of an answer as vectors.

    Raises:
        MalformedOutput: there are not as many as texts, or they are no vectors of one length.
    """
    vectors = tuple(_vector(row) for row in rows)
    lengths = {len(vector) for vector in vectors}
    if len(vectors) != count or len(lengths) > 1 or 0 in lengths:
        raise malformed(endpoint, "with other vectors than were asked for")
    return Vectors(vectors=vectors)


def _vector(row: object) -> tuple[float, ...]:
    numbers = items_of(row)
    vector = tuple(float(one) for one in numbers if _is_finite(one))
    return vector if len(vector) == len(numbers) else ()


def _is_finite(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number that a float can hold."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _used(reply: JsonReply, texts: Sequence[str]) -> int:
    usage = fields_of(fields_of(reply.body).get("usage"))
    told = count_of(usage.get("prompt_tokens")) or count_of(usage.get("total_tokens"))
    return told or sum(map(estimate_tokens, texts))


SPEC: Final = ProviderSpec(
    name="openai",
    kinds=frozenset({CallKind.MODEL, CallKind.EMBED}),
    default_base=DEFAULT_BASE,
    key_required=True,
    make=OpenAIService,
    about="OpenAI's models",
)
GENERIC: Final = ProviderSpec(
    name="llm",
    kinds=frozenset({CallKind.MODEL, CallKind.EMBED}),
    default_base=DEFAULT_BASE,
    key_required=False,
    make=OpenAIService,
    about="any endpoint that speaks as OpenAI's does; OpenAI itself, when no address is set",
)
