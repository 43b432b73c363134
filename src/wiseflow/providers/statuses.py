"""What a status that is no success means, as an error of ours.

No message holds a key, what was sent, or a sentence of the other side, which might quote either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    CallError,
    CallTimeout,
    ConnectionRefused,
    ContentRefused,
    ContextTooLong,
    MalformedOutput,
    ModelMissing,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.headers import allowances, retry_after_s

LONGEST_BODY = 16_384
PROXY_CURE = "Check HTTPS_PROXY, its user and password, and which hosts NO_PROXY leaves out"

# Words by which providers say more than the status does; the first that is found counts.
# Source: the error pages of OpenAI ("Error codes"), Anthropic ("Errors"), Tavily, Exa, Ollama and
# llama.cpp's server; Azure OpenAI for the content filter; NCBI's E-utilities for keys.
_WORDS: Final[tuple[tuple[type[CallError], re.Pattern[str]], ...]] = (
    (
        QuotaSpent,
        re.compile(
            r"insufficient_quota|billing_hard_limit|billing_error|no_more_credits"
            r"|credit balance is too low|exceeded your current quota|plan'?s (?:set )?usage limit"
        ),
    ),
    (
        ContextTooLong,
        re.compile(
            r"context_length|context_window|context length|context window|prompt is too long"
            r"|exceed_context_size|maximum context|input is too long|too many tokens"
        ),
    ),
    (
        ContentRefused,
        re.compile(r"content_policy|content_filter|content management policy|responsibleai"),
    ),
    (
        ModelMissing,
        re.compile(
            r"model_not_found|model \S{1,200} (?:was |is )?not found|\"model: |unknown model"
            r"|model \S{1,200} does not exist"
        ),
    ),
    (AuthFailed, re.compile(r"api key invalid|api key not wellformed")),
)

_STATUSES: Final[Mapping[int, type[CallError]]] = {
    401: AuthFailed,
    402: QuotaSpent,
    403: AuthFailed,
    407: ConnectionRefused,
    408: CallTimeout,
    413: ContextTooLong,
    429: RateLimited,
    432: QuotaSpent,  # Tavily's own: the plan's limit
    433: QuotaSpent,  # Tavily's own: the limit of pay-as-you-go
    504: CallTimeout,
}
# Where the words may say otherwise than the status. A key that may not use a model is told by 403.
_OVERRULED: Final[Mapping[type[CallError], frozenset[type[CallError]]]] = {
    AuthFailed: frozenset({QuotaSpent, ModelMissing}),
    RateLimited: frozenset({QuotaSpent}),
    BadRequest: frozenset({QuotaSpent, ContextTooLong, ContentRefused, ModelMissing, AuthFailed}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that is no success.

    Args:
        status: of HTTP.
        headers: by name, in any case.
        body: as far as it was read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def status_failure(
    endpoint: Endpoint, answered: Answered, *, now: float, model: str = ""
) -> CallError:
    """What a status that is no success means, with what the headers tell of limits.

    Args:
        endpoint: what was asked.
        answered: what it said.
        now: seconds since the Unix epoch.
        model: what was asked for, where it was a model.
    """
    kind = status_kind(answered.status, answered.body)
    what, cure = _SENTENCES.get(kind, _refused)(endpoint, answered.status, model)
    return kind(
        f"{endpoint.provider} at {endpoint.address} {what} (HTTP {answered.status})",
        provider=endpoint.provider,
        cure=cure,
        retry_after_s=retry_after_s(answered.headers, now),
        allowances=allowances(answered.headers, now),
    )


def status_kind(status: int, body: bytes = b"") -> type[CallError]:
    """The error that a status and the words of its body stand for."""
    other = ProviderDown if status >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequest
    kind = _STATUSES.get(status, other)
    worded = told_kind(body)
    return worded if worded and worded in _OVERRULED.get(kind, ()) else kind


def told_kind(body: bytes) -> type[CallError] | None:
    """The error that the words of a body stand for; ``None`` when they tell nothing."""
    text = body[:LONGEST_BODY].decode("utf-8", "replace").lower()
    return next((kind for kind, words in _WORDS if words.search(text)), None)


def malformed(endpoint: Endpoint, what: str) -> MalformedOutput:
    """The error of an answer that cannot be used; ``what`` never quotes it."""
    return MalformedOutput(
        f"{endpoint.provider} at {endpoint.address} answered {what}",
        provider=endpoint.provider,
        cure=f"If it goes on, check that {endpoint.base_setting} names an endpoint of its kind",
    )


def _auth(endpoint: Endpoint, _status: int, _model: str) -> tuple[str, str]:
    what = "refuses the key" if endpoint.api_key else "wants a key"
    return what, f"Set {endpoint.key_setting} to a key that is valid and may do this"


def _quota(endpoint: Endpoint, _status: int, _model: str) -> tuple[str, str]:
    cure = f"Add to its quota, or set {endpoint.key_setting} to another key"
    return "says that the key's quota is used up", cure


def _model_missing(endpoint: Endpoint, _status: int, model: str) -> tuple[str, str]:
    cure = f"Check the model's name, and that {endpoint.base_setting} is the address meant"
    return f"has no model{f' {model!r}' if model else ''} for this key", cure


def _refused(endpoint: Endpoint, status: int, _model: str) -> tuple[str, str]:
    if status == HTTPStatus.NOT_FOUND:
        return "has nothing at that address", f"Check {endpoint.base_setting}"
    if status < HTTPStatus.BAD_REQUEST:
        return "sends on to another address, which is not followed", f"Set {endpoint.base_setting}"
    return "refuses the request as it is", f"Check {endpoint.base_setting} and the request"


def _always(what: str, cure: str = "") -> Callable[[Endpoint, int, str], tuple[str, str]]:
    return lambda _endpoint, _status, _model: (what, cure)


_SENTENCES: Final[Mapping[type[CallError], Callable[[Endpoint, int, str], tuple[str, str]]]] = {
    AuthFailed: _auth,
    QuotaSpent: _quota,
    ModelMissing: _model_missing,
    RateLimited: _always("says that the key sent too much", "Lower its rate limit, or wait"),
    ContextTooLong: _always(
        "says that the request is too long", "Use a model with a longer context"
    ),
    ContentRefused: _always("refuses the content by its policy", "Word the topic otherwise"),
    CallTimeout: _always("says that it did not finish in time"),
    ProviderDown: _always("says that it cannot answer now"),
    ConnectionRefused: _always("cannot be asked: the proxy wants a login", PROXY_CURE),
}
