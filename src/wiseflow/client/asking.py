"""Sends requests to a service, and waits and tries again within bounds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from wiseflow.client.problems import SERVICE, error_of, retry_after
from wiseflow.core.errors import CallTimeout, NetworkFailed, WiseflowError

API = "/api/v1"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
# The service says that it did nothing of it.
_TRIED_AGAIN = (429, 503)
_REPEATABLE = ("GET", "PUT", "DELETE")
File = tuple[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited.

    Args:
        answer_s: for the whole of an answer, and between two parts of a stream.
        attempts: how often a request is sent before its error is raised.
        wait_s: between the attempts, all pauses together.
    """

    answer_s: float = 60.0
    attempts: int = 5
    wait_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request.

    Args:
        method, path: of the operation; the path begins with ``/``.
        query: parameters; ``None`` and empty ones are left out.
        body: sent as JSON, unless ``None``.
        headers: beside the usual ones.
        files, form: of an upload.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Sequence[File] = ()
    form: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _REPEATABLE or "Idempotency-Key" in self.headers

    def arguments(self) -> dict[str, Any]:
        """As the HTTP client takes them."""
        query = {name: value for name, value in self.query.items() if value not in (None, "", ())}
        given: dict[str, Any] = {"params": query, "headers": dict(self.headers)}
        if self.body is not None:
            given["json"] = self.body
        if self.files:
            given |= {"files": list(self.files), "data": dict(self.form)}
        return given


class Asking:
    """A connection to a service.

    Args:
        url: of the service, without ``/api/v1``.
        api_key: shown to it, unless "".
        patience: how long is waited.
    """

    def __init__(self, url: str, api_key: str, patience: Patience) -> None:
        self._patience = patience
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"X-API-Key": api_key} if api_key else {},
            timeout=patience.answer_s,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, asked: Asked) -> httpx2.Response:
        """The answer, of 2xx or 304.

        Raises:
            WiseflowError: the service's own error, by its kind.
            NetworkFailed: it is not there, or the connection broke.
            CallTimeout: no answer came in time.
        """
        waited = 0.0
        for attempt in range(1, self._patience.attempts + 1):
            try:
                answer = await self._once(asked)
            except NetworkFailed as error:
                failed, least, again = error, None, asked.repeatable
            else:
                if answer.is_success or answer.is_redirect:
                    return answer
                failed, least = error_of(answer), retry_after(answer)
                again = answer.status_code in _TRIED_AGAIN
            pause = _pause(attempt, least)
            waited += pause
            if not again or attempt == self._patience.attempts or waited > self._patience.wait_s:
                raise failed
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt has returned or raised")

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncGenerator[httpx2.Response]:
        """An answer that is read as it comes; it is tried once. Raises as ``send``."""
        try:
            async with self._http.stream(asked.method, asked.path, **asked.arguments()) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise error_of(answer)
                yield answer
        except httpx2.HTTPError as error:
            raise _failure(error) from error

    async def _once(self, asked: Asked) -> httpx2.Response:
        try:
            return await self._http.request(asked.method, asked.path, **asked.arguments())
        except httpx2.HTTPError as error:
            raise _failure(error) from error


def _failure(error: httpx2.HTTPError) -> WiseflowError:
    if isinstance(error, httpx2.TimeoutException):
        return CallTimeout("the service gave no answer in time", provider=SERVICE)
    return NetworkFailed(
        f"the service cannot be reached: {type(error).__name__}",
        provider=SERVICE,
        cure="Look whether it runs, and at this address",
    )


def _pause(attempt: int, least: float | None) -> float:
    """How long to wait before the next attempt: as asked, else longer each time, and never alike.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).
    """
    if least is not None:
        return least + random.uniform(0, FIRST_PAUSE_S)  # noqa: S311 - spreads load, hides nothing
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
    return random.uniform(FIRST_PAUSE_S / 2, longest)  # noqa: S311 - as above
