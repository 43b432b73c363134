"""Keys of models' endpoints: how they are sent, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wiseflow.core.errors import BadRequest
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import JsonApi
from wiseflow.providers.key_tests import Told
from wiseflow.providers.shapes import fields_of, objects_of, text_of

MOST_MODELS: Final = 500
_UNITS: Final = {
    Dimension.REQUESTS: "requests",
    Dimension.TOKENS: "tokens",
    Dimension.CONCURRENCY: "requests at once",
    Dimension.BYTES: "bytes",
}
_WINDOWS: Final = {60.0: "a minute", 3600.0: "an hour", 86_400.0: "a day"}


def bearer(endpoint: Endpoint) -> dict[str, str]:
    """The header that holds an endpoint's key; none without a key. Source: RFC 6750."""
    return {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}


async def told_by_models(api: JsonApi, path: str) -> Told:
    """What the list of models tells, which a wrong key is not shown.

    Args:
        api: by which is asked.
        path: of the list.

    Raises:
        CallError: no answer came, or the key is refused.
    """
    try:
        reply = await api.get(path)
    except BadRequest:
        return Told()  # some servers have no such list; they let the request in to say so
    models = model_names(reply.body)[:MOST_MODELS]
    return Told(remaining=remaining(reply.allowances), models=models)


def model_names(body: object) -> tuple[str, ...]:
    """The names in a list of models: of OpenAI and Anthropic (``data``), or Ollama (``models``)."""
    fields = fields_of(body)
    rows = objects_of(fields.get("data") or fields.get("models"))
    names = (text_of(row.get("id") or row.get("name")) for row in rows)
    return tuple(filter(None, names))


def remaining(allowances: Iterable[Allowance]) -> str:
    """What is left of a key's limits, in words; "" when nothing is told."""
    told = [one for one in allowances if one.remaining is not None]
    return ", ".join(_left(one) for one in told)


def _left(one: Allowance) -> str:
    of = f" of {one.limit:g}" if one.limit is not None else ""
    window = _WINDOWS.get(one.window_s, f"{one.window_s:g} s")
    return f"{one.remaining:g}{of} {_UNITS[one.dimension]} {window}"
