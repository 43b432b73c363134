"""Sends messages to addresses that anybody may have given: to where pages may be fetched from.

The address is checked where the connection is made, as for pages; a redirect is not followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from wiseflow.core.errors import AddressForbidden, BadRequest, CallTimeout
from wiseflow.providers.addresses import is_this_machine, literal, may_fetch_from
from wiseflow.providers.hops import Hops
from wiseflow.providers.http import USER_AGENT
from wiseflow.providers.network import Network
from wiseflow.providers.page_addresses import host_of, parsed
from wiseflow.providers.pinning import Resolve, resolve

NAME: Final = "webhook"
# Source: Standard Webhooks 1.0.0, "Timeouts": between 15 and 30 seconds.
TIMEOUT_S = 15.0
CONNECTIONS = 20
_CURE = "To open a network of your own, add it to FETCH_ALLOWED_NETWORKS"


class WebhookPoster:
    """Sends messages; it belongs to one event loop, and ``aclose`` ends it.

    Args:
        network: how requests go out, and which private networks are opened.
        timeout_s: for an answer, from the look-up of the name on.
        look_up: gives the addresses of a host.
    """

    def __init__(
        self, network: Network, *, timeout_s: float = TIMEOUT_S, look_up: Resolve = resolve
    ) -> None:
        self._network = network
        self._timeout_s = timeout_s
        self._hops = Hops(network, look_up, timeout_s=timeout_s, connections=CONNECTIONS)

    def check(self, url: str) -> None:
        """Refuse an address that is none, or that tells by itself that nothing is sent there.

        Raises:
            BadRequest: it is no web address.
            AddressForbidden: it is not on the public internet, or leaves this machine.
        """
        host = _host(url)
        self._network.check(url, provider=NAME)
        address = literal(host)
        inside = bool(address) and not may_fetch_from(address, self._network.networks)
        if inside or (is_this_machine(host) and not self._network.networks):
            raise _forbidden(host)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status that is answered; see ``Poster``."""
        host = _host(url)
        timer = asyncio.timeout(self._timeout_s)
        sent = {"user-agent": USER_AGENT, **headers}
        try:
            async with (
                timer,
                self._hops.asked(parsed(url), method="POST", headers=sent, content=body) as answer,
            ):
                return answer.status_code
        except AddressForbidden as error:
            raise (error if self._network.local_only else _forbidden(host)) from error
        except TimeoutError:
            if not timer.expired():
                raise
            raise CallTimeout(
                f"{host} gave no answer within {self._timeout_s:g} s", provider=NAME
            ) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._hops.aclose()


def _host(url: str) -> str:
    try:
        return host_of(parsed(url))
    except BadRequest:
        raise BadRequest(
            "the webhook's address is no web address",
            provider=NAME,
            cure="Write it as https://HOST/PATH",
        ) from None
    except AddressForbidden:
        raise AddressForbidden(
            "the webhook's address holds a user or a password",
            provider=NAME,
            cure="Give it without; the receiver knows us by the signature",
        ) from None


def _forbidden(host: str) -> AddressForbidden:
    return AddressForbidden(
        f"the webhook is on {host}, an address that is not on the public internet",
        provider=NAME,
        cure=_CURE,
    )
