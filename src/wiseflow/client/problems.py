"""Problems of the service, as errors of the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import httpx2

from wiseflow.core.errors import (
    CallError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ProviderDown,
    RateLimited,
    TooLarge,
    Unauthenticated,
    WiseflowError,
    code_of,
)

LONGEST_WAIT_TOLD = 86_400.0
SERVICE = "wiseflow"
_BY_STATUS: Mapping[int, type[WiseflowError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
}
_FROM_SERVER_ERRORS = 500


def error_of(answer: httpx2.Response) -> WiseflowError:
    """The error that an answer of 4xx or 5xx tells of; its body has been read."""
    told = _told(answer)
    message = str(told.get("detail") or f"the service answered {answer.status_code}")
    cure = str(told.get("cure") or "")
    kind = _KINDS.get(str(told.get("code"))) or _kind_by_status(answer.status_code)
    if issubclass(kind, CallError):
        return kind(message, provider=SERVICE, cure=cure, retry_after_s=retry_after(answer))
    # Some leaves are made of more than their message, which is whole already.
    error = kind.__new__(kind)
    WiseflowError.__init__(error, message, cure=cure)
    return error


def retry_after(answer: httpx2.Response) -> float | None:
    """How many seconds the service asks to wait, if it does."""
    told = answer.headers.get("Retry-After", "")
    return min(float(told), LONGEST_WAIT_TOLD) if told.isascii() and told.isdecimal() else None


def _told(answer: httpx2.Response) -> Mapping[str, object]:
    try:
        body = answer.json()
    except ValueError:  # a proxy's page, for instance
        return {}
    return cast("Mapping[str, object]", body) if isinstance(body, dict) else {}


def _kind_by_status(status: int) -> type[WiseflowError]:
    other = ProviderDown if status >= _FROM_SERVER_ERRORS else InvalidInput
    return _BY_STATUS.get(status, other)


def _all(kind: type[WiseflowError]) -> Iterator[type[WiseflowError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _all(below)


_KINDS = {code_of(kind): kind for kind in _all(WiseflowError)}
