"""The last step: the request goes to its provider, and has a time limit of its own.

The limit starts here, after the call had its turn: waiting for a limit is no time-out.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply
from wiseflow.core.errors import CallTimeout
from wiseflow.core.news import FirstCall, OnNews
from wiseflow.gateway.chain import called
from wiseflow.gateway.directory import Directory
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)


class Sending:
    """Sends calls.

    Args:
        directory: who can be asked.
        api_timeout_s: how long one attempt may take; what fetches pages has it, too.
        on_news: is told, once, each provider that something is sent to.
    """

    def __init__(
        self, directory: Directory, api_timeout_s: float, on_news: OnNews | None = None
    ) -> None:
        self._directory = directory
        self._api_timeout_s = api_timeout_s
        self._on_news = on_news
        self._told: set[str] = set()

    async def __call__(self, call: Call[Any]) -> Reply[Any]:
        """The provider's answer.

        Raises:
            CallError: none that can be used came; ``CallTimeout`` when none came in time.
            ConfigurationError: the provider's key or address is not set.
            InvalidInput: there is no such provider.
        """
        if call.context.local_only:
            self._directory.check_local(call.kind, call.provider)
        self._tell(call)
        # A page waits for turns at its host, too, and its fetcher bounds the rest.
        own = call.kind is CallKind.FETCH
        limit = asyncio.timeout(None if own else self._api_timeout_s)
        try:
            async with limit:
                return await self._ask(call)
        except TimeoutError:
            if not limit.expired():
                raise
            raise CallTimeout(
                f"{called(call)} gave no whole answer within {self._api_timeout_s:g} s",
                provider=call.provider,
                cure="Raise API_TIMEOUT if it is just slow",
            ) from None

    def _tell(self, call: Call[Any]) -> None:
        if call.provider in self._told:
            return
        self._told.add(call.provider)
        fetched = call.kind is CallKind.FETCH
        address = "the web" if fetched else self._directory.endpoint(call.provider).address
        _log.info("The first call to a provider", provider=call.provider, address=address)
        if self._on_news is not None:
            self._on_news(FirstCall(provider=call.provider, address=address))

    async def _ask(self, call: Call[Any]) -> Reply[Any]:
        directory = self._directory
        match call.kind:
            case CallKind.MODEL:
                model = directory.chat(call.provider, call.model)
                return await model.complete(call.request, on_text=call.on_text)
            case CallKind.SEARCH:
                return await directory.search(call.provider).search(call.request)
            case CallKind.FETCH:
                return await directory.fetcher().fetch(call.request, owner=call.context.run_id)
            case CallKind.EMBED:
                model = directory.embedder(call.provider, call.model)
                return await model.embed(call.request.texts)
