"""Tests a key: asks, and tells what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wiseflow.core.asking import KeyTest
from wiseflow.core.clock import Clock
from wiseflow.core.errors import AuthFailed, QuotaSpent
from wiseflow.providers.endpoint import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an answer to a test told.

    Args:
        remaining: of the quota, in words; "" when nothing was told.
        models: the models it named.
    """

    remaining: str = ""
    models: tuple[str, ...] = ()


async def tested_key(
    endpoint: Endpoint, clock: Clock, ask: Callable[[], Awaitable[Told]]
) -> KeyTest:
    """What comes of asking: a key is valid when it is taken, also when its quota is used up.

    Args:
        endpoint: whose key.
        clock: times the answer.
        ask: makes the cheapest request that a wrong key would fail.

    Raises:
        CallError: no answer came that tells of the key.
    """
    began = clock.monotonic()
    try:
        told = await ask()
        valid, detail = True, "the key is taken" if endpoint.api_key else "it answers"
    except QuotaSpent as error:
        told, valid, detail = Told(remaining="nothing"), True, str(error)
    except AuthFailed as error:
        told, valid, detail = Told(), False, str(error)
    return KeyTest(
        valid=valid,
        address=endpoint.address,
        detail=detail,
        remaining=told.remaining,
        latency_s=clock.monotonic() - began,
        models=told.models,
    )
