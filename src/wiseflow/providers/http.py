"""The HTTP clients: one for each endpoint, made once, and what every request of theirs keeps to."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import httpx2

from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.limits import Allowance
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.failures import CLIENT_ERRORS, connection_failure
from wiseflow.providers.headers import allowances
from wiseflow.providers.hearing import tell_headers
from wiseflow.providers.network import Network, forbidden, is_loopback
from wiseflow.providers.spread import SpreadTransport, one_connection
from wiseflow.providers.statuses import Answered, malformed, status_failure

USER_AGENT: Final = f"WiseFlow/{version('wiseflow')}"
TIMEOUT_S = 60.0
CONNECT_S = 10.0
# A hundred researches with two calls each under way need not wait for a connection.
MAX_CONNECTIONS = 200
KEEPALIVE_S = 30.0
MAX_ANSWER_BYTES = 32_000_000


class HttpClients:
    """The HTTP clients of one process: one for each endpoint, made when first asked for.

    They read nothing from the environment, follow no redirects (a key would go along), and speak
    HTTP/1.1. They belong to one event loop; ``aclose`` ends them.

    Args:
        network: how requests go out.
        timeout_s: how long connecting, sending and each wait for more of an answer may take; the
            whole of a call is bounded by its caller.
        max_connections: of each client; more requests wait for one.
        clock: tells when a date in a header comes.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_connections: int = MAX_CONNECTIONS,
        clock: Clock | None = None,
    ) -> None:
        self.network = network or Network()
        self.clock = clock or SystemClock()
        self._timeout_s = timeout_s
        self._max_connections = max_connections
        self._clients: dict[tuple[str, str], httpx2.AsyncClient] = {}

    def client(self, endpoint: Endpoint) -> httpx2.AsyncClient:
        """The client of an endpoint, also for a vendor's library, which must not close it.

        It has no key: who asks gives it with the request.

        Raises:
            AddressForbidden: everything is to stay on this machine, and the endpoint is elsewhere.
            ConfigurationError: the file of certificate authorities cannot be read.
        """
        self.network.check(endpoint.base_url, provider=endpoint.provider)
        name = (endpoint.provider, endpoint.base_url)
        if name not in self._clients:
            self._clients[name] = self._made(endpoint)
        return self._clients[name]

    async def aclose(self) -> None:
        """Close all connections; a client asked for later is made anew."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    def _made(self, endpoint: Endpoint) -> httpx2.AsyncClient:
        proxy = self.network.proxy_for(httpx2.URL(endpoint.base_url).host)
        ssl_context = self.network.ssl_context
        transport = SpreadTransport(
            lambda: one_connection(ssl_context, proxy, KEEPALIVE_S),
            most=self._max_connections,
            keepalive_s=KEEPALIVE_S,
        )
        return httpx2.AsyncClient(
            transport=_Kept(transport, endpoint.provider) if self.network.local_only else transport,
            trust_env=False,
            headers={"User-Agent": USER_AGENT},
            timeout=httpx2.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s)),
            event_hooks={"response": [tell_headers]},
        )


class _Kept(httpx2.AsyncBaseTransport):
    """Sends nothing away from this machine, whatever address a library makes up."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, provider: str) -> None:
        self._transport = transport
        self._provider = provider

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not is_loopback(request.url.host):
            raise forbidden(request.url.host, provider=self._provider)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonReply:
    """An answer in JSON, or in what else its reader reads.

    Args:
        body: any JSON value, or what the reader made of it.
        allowances: what the headers told of the key's limits.
        bytes: of the body, unpacked.
    """

    body: Any
    allowances: tuple[Allowance, ...]
    bytes: int


class JsonApi:
    """Asks one endpoint for JSON.

    Args:
        endpoint: what is asked.
        clients: whose client of it is used.
        headers: sent with each request, the key among them.
    """

    def __init__(
        self, endpoint: Endpoint, clients: HttpClients, headers: Mapping[str, str]
    ) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._headers = {"Accept": "application/json", **headers}

    async def post(self, path: str, body: Mapping[str, object]) -> JsonReply:
        """What it answers to a body in JSON. Raises ``CallError``."""
        return await self._ask(self._request("POST", path, json=body), read_json)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        read: Callable[[Endpoint, bytes], Any] | None = None,
    ) -> JsonReply:
        """What it answers to a query. Raises ``CallError``.

        Args:
            path: of the resource.
            params: the query.
            read: reads the body, where it is not JSON; ``None`` for ``read_json``.
        """
        return await self._ask(self._request("GET", path, params=params), read or read_json)

    def _request(self, method: str, path: str, **content: Any) -> httpx2.Request:
        client = self._clients.client(self._endpoint)
        url = self._endpoint.url(path)
        return client.build_request(method, url, headers=self._headers, **content)

    async def _ask(
        self, request: httpx2.Request, read: Callable[[Endpoint, bytes], Any]
    ) -> JsonReply:
        async with self._sent(request) as response:
            body = await read_bounded(response, MAX_ANSWER_BYTES)
        now = self._clients.clock.now()
        if body is None:
            raise malformed(self._endpoint, f"more than {MAX_ANSWER_BYTES} bytes")
        if not response.is_success:
            answered = Answered(status=response.status_code, headers=response.headers, body=body)
            raise status_failure(self._endpoint, answered, now=now)
        return JsonReply(
            body=read(self._endpoint, body),
            allowances=allowances(response.headers, now),
            bytes=len(body),
        )

    @asynccontextmanager
    async def _sent(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Response]:
        try:
            response = await self._clients.client(self._endpoint).send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except CLIENT_ERRORS as error:
            raise connection_failure(error, self._endpoint, self._clients.network) from error


async def read_bounded(response: httpx2.Response, max_bytes: int) -> bytes | None:
    """The unpacked body of an answer that is read as it comes; ``None`` when it is longer."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > max_bytes:
            return None
    return bytes(body)


def read_json(endpoint: Endpoint, body: bytes) -> Any:
    """A body as JSON.

    Raises:
        MalformedOutput: it is empty, cut off, or no JSON.
    """
    if not body.strip():
        raise malformed(endpoint, "with an empty body")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        # Without the cause: it holds the whole body.
        raise malformed(endpoint, "with a body that is no whole JSON") from None
