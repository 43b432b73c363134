"""One request to an address that anybody may have written: checked first, and sent once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx2

from wiseflow.observability.logs import get_logger
from wiseflow.providers.addresses import is_this_machine, literal, may_fetch_from
from wiseflow.providers.failures import CLIENT_ERRORS, Way, failure_on, shown_proxy
from wiseflow.providers.http import CONNECT_S, USER_AGENT
from wiseflow.providers.media import ACCEPT
from wiseflow.providers.network import Network, forbidden, is_loopback
from wiseflow.providers.page_addresses import PROVIDER, host_of
from wiseflow.providers.pinning import (
    KEEPALIVE_S,
    CheckedBackend,
    CheckedTransport,
    Resolve,
    address_forbidden,
)
from wiseflow.providers.spread import SpreadTransport, one_connection

_HEADERS: Final = {"User-Agent": USER_AGENT, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"}
_log = get_logger(__name__)


class Hops:
    """Makes requests; it belongs to one event loop, and ``aclose`` ends it.

    Args:
        network: how requests go out, and which private networks are opened.
        look_up: gives the addresses of a host.
        timeout_s: how long each wait of a request may take.
        connections: at once, over all requests.
    """

    def __init__(
        self, network: Network, look_up: Resolve, *, timeout_s: float, connections: int
    ) -> None:
        self._network = network
        self._timeout_s = timeout_s
        self._connections = connections
        self._backend = CheckedBackend(network.networks, look_up)
        self._transports: dict[str, httpx2.AsyncBaseTransport] = {}

    @asynccontextmanager
    async def asked(
        self,
        url: httpx2.URL,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = _HEADERS,
        content: bytes | None = None,
    ) -> AsyncGenerator[httpx2.Response]:
        """The answer of an address, its body still to come.

        Args:
            url: of it.
            method: of HTTP.
            headers: that are sent.
            content: that is sent.

        Raises:
            AddressForbidden: the address is not one that pages are fetched from.
            CallError: another leaf says what happened.
        """
        self._check(url)
        host = host_of(url)
        proxy = self._network.proxy_for(host)
        way = Way(provider=PROVIDER, subject=f"{url.scheme}://{host}", proxy=shown_proxy(proxy))
        total = self._timeout_s
        timeout = httpx2.Timeout(total, connect=min(CONNECT_S, total)).as_dict()
        request = httpx2.Request(
            method, url, headers=headers, content=content, extensions={"timeout": timeout}
        )
        try:
            response = await self._transport(proxy).handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        except CLIENT_ERRORS as error:
            raise failure_on(way, error) from error

    def is_opened(self, host: str) -> bool:
        """Whether a host is known to be in a network that is opened on purpose."""
        return not self._network.proxy_for(host) and self._backend.is_opened(host)

    async def aclose(self) -> None:
        """Close all connections."""
        transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            await transport.aclose()

    def _check(self, url: httpx2.URL) -> None:
        # Every hop comes through here before anything is looked up or sent.
        host = host_of(url)
        if self._network.local_only and not is_loopback(host):
            raise forbidden(host, provider=PROVIDER)
        if self._network.proxy_for(host):
            # The proxy looks names up, so only what is written as an address can be checked.
            address = literal(host)
            inside = bool(address) and not may_fetch_from(address, self._network.networks)
            if inside or is_this_machine(host):
                raise address_forbidden(host)

    def _transport(self, proxy: str) -> httpx2.AsyncBaseTransport:
        if proxy not in self._transports:
            self._transports[proxy] = self._proxied(proxy) if proxy else self._direct()
        return self._transports[proxy]

    def _direct(self) -> httpx2.AsyncBaseTransport:
        ssl_context = self._network.ssl_context
        return self._spread(lambda: CheckedTransport(self._backend, ssl_context, 1))

    def _proxied(self, proxy: str) -> httpx2.AsyncBaseTransport:
        _log.warning(
            "Pages are fetched through a proxy, which looks their hosts up: that they are not on a"
            " private network cannot be checked here",
            proxy=shown_proxy(proxy),
        )
        ssl_context = self._network.ssl_context
        return self._spread(lambda: one_connection(ssl_context, proxy, KEEPALIVE_S))

    def _spread(self, new: Callable[[], httpx2.AsyncBaseTransport]) -> SpreadTransport:
        return SpreadTransport(new, most=self._connections, keepalive_s=KEEPALIVE_S)
