"""The gateway with its stages in their order, and what stands behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wiseflow.app.endpoints import (
    check_stand_ins,
    default_model,
    endpoints_of,
    manners_of,
    model_stand_ins,
    network_of,
    rates_of,
    unknown_provider,
)
from wiseflow.core.calls import CallKind
from wiseflow.core.clock import Clock
from wiseflow.core.limits import RateLimit
from wiseflow.core.news import OnNews
from wiseflow.engine.downloads import Downloads
from wiseflow.gateway.budgeting import Budgeting
from wiseflow.gateway.chain import Stage, chain
from wiseflow.gateway.directory import Directory
from wiseflow.gateway.fallback import Fallback
from wiseflow.gateway.flights import Flights
from wiseflow.gateway.fronts import Embeddings, Models, Pages, Searches
from wiseflow.gateway.identifying import identified
from wiseflow.gateway.journalling import journal
from wiseflow.gateway.limiting import Limiting
from wiseflow.gateway.pricing import Pricing
from wiseflow.gateway.recording import AttemptRecord, CallRecords
from wiseflow.gateway.recovering import Breaking, Retrying
from wiseflow.gateway.sending import Sending
from wiseflow.gateway.stand_ins import StandIns, read_stand_ins
from wiseflow.gateway.timing import within_seconds
from wiseflow.gateway.tracing import noted, traced
from wiseflow.limits.door import Limiter
from wiseflow.limits.recovery import SmartErrorRecovery
from wiseflow.limits.retries import RetryPolicy
from wiseflow.providers.facts import Facts
from wiseflow.providers.registry import Registry
from wiseflow.settings.model import Settings
from wiseflow.text.tokens import TokenEstimator

if TYPE_CHECKING:  # they import the HTTP client, which is slow
    from wiseflow.providers.http import HttpClients
    from wiseflow.providers.pages import PageFetcher

OLLAMA_LOOK_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is asked outside, through all stages.

    Args:
        models, searches, pages, embeddings: the fronts.
        directory: who can be asked.
        records: what was sent, and what came of it.
        recovery: how providers are, and what is done when one fails.
        pricing: what calls cost.
        flights: what is under way.
        limiter: what holds calls back.
    """

    models: Models
    searches: Searches
    pages: Pages
    embeddings: Embeddings
    directory: Directory
    records: CallRecords
    recovery: SmartErrorRecovery
    pricing: Pricing
    flights: Flights
    limiter: Limiter

    async def aclose(self) -> None:
        """End what is under way, and close all connections."""
        await self.flights.aclose()
        await self.directory.aclose()


@asynccontextmanager
async def open_outside(
    settings: Settings,
    clock: Clock,
    limiter: Limiter,
    *,
    on_attempt: Callable[[AttemptRecord], None] | None = None,
    on_news: OnNews | None = None,
) -> AsyncGenerator[Outside]:
    """The gateway, closed on leaving; see ``make_outside``."""
    outside = make_outside(settings, clock, limiter, on_attempt=on_attempt, on_news=on_news)
    try:
        yield outside
    finally:
        await outside.aclose()


def make_outside(
    settings: Settings,
    clock: Clock,
    limiter: Limiter,
    *,
    on_attempt: Callable[[AttemptRecord], None] | None = None,
    on_news: OnNews | None = None,
    rates: Mapping[tuple[str, str], RateLimit] | None = None,
) -> Outside:
    """The gateway. Nothing is opened before it is needed; ``aclose`` closes it.

    Args:
        settings: what holds.
        clock: the time.
        limiter: whose limits hold; it is told ``rates``.
        on_attempt: is told each attempt.
        on_news: is told who is asked, once, and who does not answer and is waited for.
        rates: by provider and model; those of the settings when ``None``.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    directory = _directory(settings, clock)
    facts = Facts(Path(settings.model_facts) if settings.model_facts else None, clock=clock)
    pricing = Pricing(facts, directory.base_url)
    for (provider, model), rate in (rates_of(settings) if rates is None else rates).items():
        limiter.set_rate(provider, rate, model=model)
    recovery = _recovery(settings)
    records, flights = CallRecords(clock, on_attempt, prices=pricing), Flights()
    aside = Fallback(
        _stand_ins(settings, directory), clock, settings.provider_outage_wait, recovery, on_news
    )
    # Why in this order: see the gateway's README.
    stages: list[Stage] = [
        identified,
        traced,
        journal,
        noted,
        within_seconds,
        flights,
        aside,
        Retrying(recovery, clock),
        Breaking(recovery, clock),
        Budgeting(pricing),
        Limiting(limiter, directory),
        records,
    ]
    send = chain(stages, Sending(directory, settings.api_timeout, on_news))
    tokens = TokenEstimator()
    return Outside(
        models=Models(send, tokens, pricing),
        searches=Searches(send),
        pages=Pages(send),
        embeddings=Embeddings(
            send, tokens, lambda provider, model: directory.embedder(provider, model).max_batch
        ),
        directory=directory,
        records=records,
        recovery=recovery,
        pricing=pricing,
        flights=flights,
        limiter=limiter,
    )


def _directory(settings: Settings, clock: Clock) -> Directory:
    """Who can be asked, as it is set; the HTTP client is made when it is first needed."""
    registry, network, manners = Registry(), network_of(settings), manners_of(settings)
    downloads = Downloads(
        settings.max_concurrent_downloads, settings.download_rate_limit, clock=clock
    )

    def clients() -> HttpClients:
        from wiseflow.providers.http import HttpClients  # noqa: PLC0415 - slow, seldom needed

        return HttpClients(network, timeout_s=settings.api_timeout, clock=clock)

    def fetcher() -> PageFetcher:
        # Slow to import, and seldom needed.
        from wiseflow.providers.pages import PageFetcher, PageLimits  # noqa: PLC0415

        limits = PageLimits(total_s=settings.api_timeout)
        return PageFetcher(
            network, limits=limits, manners=manners, downloads=downloads, clock=clock
        )

    return Directory(endpoints_of(settings, registry), clients, fetcher, registry)


def _recovery(settings: Settings) -> SmartErrorRecovery:
    # The first sending is one of the attempts.
    attempts = settings.retry_attempts - 1
    return SmartErrorRecovery(
        policy=RetryPolicy.of(attempts=attempts, delay_s=settings.retry_delay)
    )


def _stand_ins(settings: Settings, directory: Directory) -> StandIns:
    searches = read_stand_ins(settings.search_api_fallbacks, "SEARCH_API_FALLBACKS")
    models = read_stand_ins(settings.model_fallbacks, "MODEL_FALLBACKS")
    # Our own default is right, and to look names up imports their modules.
    if settings.origin("SEARCH_API_FALLBACKS") != "default":
        check_stand_ins(searches, "SEARCH_API_FALLBACKS", CallKind.SEARCH)
    check_stand_ins(models, "MODEL_FALLBACKS", CallKind.MODEL)
    return StandIns(searches, model_stand_ins(settings, models), directory.usable)


async def model_to_use(settings: Settings) -> str:
    """The model that writes when nobody names one: set up, or found on this machine.

    Returns:
        ``provider:model``, or "" when there is none: then the embedded author writes.

    Raises:
        ConfigurationError: PRIMARY_MODEL names a provider that nobody knows.
    """
    model = default_model(settings) or await _found_at_ollama(settings)
    named = settings.primary_model
    if ":" in named and not model.endswith(named):  # one of Ollama's may be called so
        raise unknown_provider(named)
    return model


async def _found_at_ollama(settings: Settings) -> str:
    """A model of an Ollama that runs where it is set to, or on this machine."""
    base = settings.provider_base("ollama") or "http://127.0.0.1:11434"
    if not await _somebody_listens(base):
        return ""
    # Slow to import, and not needed where nobody listens.
    from wiseflow.providers.http import HttpClients  # noqa: PLC0415
    from wiseflow.providers.ollama import found  # noqa: PLC0415

    models = await found(base, clients=HttpClients(network_of(settings)))
    wanted = settings.primary_model
    named = [model for model in models if model in {wanted, f"{wanted}:latest"}]
    return f"ollama:{(named or list(models))[0]}" if models else ""


async def _somebody_listens(base: str) -> bool:
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(OLLAMA_LOOK_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
