"""The stage that waits for limits: what a call has ready before its turn is counted."""

from __future__ import annotations

from typing import cast

from tests.gateway.conftest import Provider, make_call, run

from wiseflow.core.clock import SystemClock
from wiseflow.core.limits import LimitKey, RateLimit
from wiseflow.gateway.directory import Directory
from wiseflow.gateway.limiting import Limiting
from wiseflow.limits.door import Limiter


class Loading:
    """A directory whose library takes long to load the first time."""

    def __init__(self, limiter):
        self._limiter = limiter
        self.taken_before = []

    def limit_key(self, call):
        return LimitKey(provider=call.provider, account="a", model=call.model)

    async def prepare(self, call):
        self.taken_before.append(len(self._limiter.state()))


def test_a_calls_library_is_loaded_before_its_turn_is_counted():
    async def body():
        limiter = Limiter(clock=SystemClock())
        limiter.set_rate("openai", RateLimit(requests_per_minute=1))
        directory = Loading(limiter)

        await Limiting(limiter, cast(Directory, directory))(make_call(), Provider())

        assert directory.taken_before == [0]
        assert len(limiter.state()) == 1

    run(body())
