"""Hears the headers of answers that a vendor's client library keeps to itself.

Such a library shows headers with an error, but not with a success. So the HTTP client's response
hook puts them where the adapter that made the call finds them: in a context variable, which each
asyncio task has to itself and hands on to the tasks it starts.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from wiseflow.core.limits import Allowance
from wiseflow.providers.headers import allowances, retry_after_s


@dataclass(slots=True)
class Heard:
    """The headers of the last answer inside ``headers_of_this_call``; none before it came."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int = 0

    def allowances(self, now: float) -> tuple[Allowance, ...]:
        """What they tell of the key's limits; ``now`` in seconds since the Unix epoch."""
        return allowances(self.headers, now)

    def retry_after_s(self, now: float) -> float | None:
        """How long they ask to wait, in seconds."""
        return retry_after_s(self.headers, now)


_listener: ContextVar[Heard | None] = ContextVar("wiseflow_headers_of_this_call", default=None)


class HasHeaders(Protocol):
    """An HTTP answer."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""
        ...

    @property
    def status_code(self) -> int:
        """Of HTTP."""
        ...


@contextmanager
def headers_of_this_call() -> Generator[Heard]:
    """Hear the headers of what is asked inside, in this task and those it starts.

    ::

        with headers_of_this_call() as heard:
            answer = await library.ask(...)
        return Reply(value=answer, allowances=heard.allowances(clock.now()))
    """
    heard = Heard()
    token = _listener.set(heard)
    try:
        yield heard
    finally:
        _listener.reset(token)


async def tell_headers(response: HasHeaders) -> None:
    """The response hook of every client: give the headers to whoever listens."""
    heard = _listener.get()
    if heard is not None:
        heard.headers = response.headers
        heard.status = response.status_code
