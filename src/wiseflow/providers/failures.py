"""What breaks on the way to an endpoint and back, as an error of ours.

No message holds a key or what was sent.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import httpcore2
import httpx2

from wiseflow.core.errors import (
    BadRequest,
    CallError,
    CallTimeout,
    ConnectionRefused,
    MalformedOutput,
    NetworkFailed,
)
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.network import Network
from wiseflow.providers.statuses import PROXY_CURE

DEEPEST_CAUSE = 12
CA_CURE = "If the authority is your own, set SSL_CERT_FILE to its certificate (PEM)"
SLOW_CURE = "API_TIMEOUT says how long a call may take"

# All that the client and the layer below it raise when a request does not come about.
CLIENT_ERRORS: Final = (
    httpx2.HTTPError,
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    OSError,
)

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How something was asked for, as an error tells it.

    Args:
        provider: who was asked.
        subject: who was asked, as a sentence about them begins.
        proxy: host and port of the proxy on the way, or "".
        cure: what to do about an address that does not answer.
    """

    provider: str
    subject: str
    proxy: str
    cure: str = ""


_Told = tuple[type[CallError], str, str]


def connection_failure(error: BaseException, endpoint: Endpoint, network: Network) -> CallError:
    """What broke on the way to an endpoint, or on the way back.

    Args:
        error: of the HTTP client, or of a library above it whose cause it is; an error of ours
            among its causes is given as it is.
        endpoint: what was asked.
        network: how it was reached.
    """
    way = Way(
        provider=endpoint.provider,
        subject=f"{endpoint.provider} at {endpoint.address}",
        proxy=shown_proxy(network.proxy_for(urlsplit(endpoint.base_url).hostname or "")),
        cure=f"Check {endpoint.base_setting} and the network",
    )
    return failure_on(way, error)


def failure_on(way: Way, error: BaseException) -> CallError:
    """What broke on a way, or the error of ours that is among the causes."""
    causes = tuple(_causes(error))
    ours = next((cause for cause in causes if isinstance(cause, CallError)), None)
    if ours is not None:
        return ours
    kind, what, cure = _told(causes, way)
    return kind(f"{way.subject} {what}", provider=way.provider, cure=cure)


def shown_proxy(proxy: str) -> str:
    """Host and port of a proxy's address; "" for none."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def _told(causes: tuple[BaseException, ...], way: Way) -> _Told:
    # The kinds stand in the order in which they tell more: a certificate more than a connection.
    for kinds, tell in _KINDS:
        for cause in causes:
            if isinstance(cause, kinds):
                return tell(cause, way)
    return NetworkFailed, "broke the connection before its answer was whole", ""


def _certificate(_error: BaseException, _way: Way) -> _Told:
    return ConnectionRefused, "shows a certificate that cannot be trusted", CA_CURE


def _tls(_error: BaseException, way: Way) -> _Told:
    return NetworkFailed, "does not speak TLS as it should", way.cure


def _name(error: BaseException, way: Way) -> _Told:
    number = error.errno if isinstance(error, OSError) else None
    kind = ConnectionRefused if number in _NO_SUCH_NAME else NetworkFailed
    if way.proxy:
        return kind, f"cannot be asked: the proxy {way.proxy} is not found", PROXY_CURE
    return kind, "is not found: its name cannot be looked up", way.cure


def _proxy(error: BaseException, way: Way) -> _Told:
    # A proxy that could not reach the host may reach it later; one that refuses goes on to.
    kind = NetworkFailed if re.match(r"5\d\d ", str(error)) else ConnectionRefused
    return kind, f"cannot be asked: the proxy {way.proxy} refuses", PROXY_CURE


def _connect(_error: BaseException, way: Way) -> _Told:
    if way.proxy:
        what = f"cannot be asked: the proxy {way.proxy} takes no connection"
        return ConnectionRefused, what, PROXY_CURE
    return NetworkFailed, "takes no connection", way.cure


def _connect_slowly(_error: BaseException, way: Way) -> _Told:
    return CallTimeout, "takes no connection in time", PROXY_CURE if way.proxy else way.cure


def _busy(_error: BaseException, _way: Way) -> _Told:
    return CallTimeout, "cannot be asked in time, as all connections are in use", SLOW_CURE


def _slow(_error: BaseException, _way: Way) -> _Told:
    return CallTimeout, "gave no answer in time", SLOW_CURE


def _unpacked(_error: BaseException, way: Way) -> _Told:
    return MalformedOutput, "answered with a body that cannot be unpacked", way.cure


def _unsendable(_error: BaseException, way: Way) -> _Told:
    return BadRequest, "cannot be asked so: the request breaks HTTP", way.cure


# Each of the client's own errors has a twin in the layer below it, which the fetcher of pages uses.
_KINDS: Final[
    tuple[tuple[tuple[type[BaseException], ...], Callable[[BaseException, Way], _Told]], ...]
] = (
    ((ssl.SSLCertVerificationError,), _certificate),
    ((ssl.SSLError,), _tls),
    ((socket.gaierror,), _name),
    ((httpx2.ProxyError, httpcore2.ProxyError), _proxy),
    ((httpx2.ConnectTimeout, httpcore2.ConnectTimeout), _connect_slowly),
    ((httpx2.PoolTimeout, httpcore2.PoolTimeout), _busy),
    ((httpx2.TimeoutException, httpcore2.TimeoutException), _slow),
    ((httpx2.ConnectError, httpcore2.ConnectError), _connect),
    ((httpx2.DecodingError,), _unpacked),
    ((httpx2.UnsupportedProtocol, httpx2.LocalProtocolError), _unsendable),
    ((httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError), _unsendable),
    ((TimeoutError,), _slow),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, with the parts of groups."""
    current: BaseException | None = error
    for _ in range(DEEPEST_CAUSE):
        if current is None:
            return
        yield current
        if isinstance(current, BaseExceptionGroup):  # the tries of several addresses of one name
            yield from cast("BaseExceptionGroup[BaseException]", current).exceptions
        current = current.__cause__ or current.__context__
