"""What breaks on the way to an endpoint and back, as an error of ours.

No message holds a key or what was sent.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

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

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


@dataclass(frozen=True, slots=True)
class _Way:
    """How an endpoint was reached.

    Args:
        proxy: host and port of the proxy, or "".
        cure: what to do about an address that does not answer.
    """

    proxy: str
    cure: str


_Told = tuple[type[CallError], str, str]


def connection_failure(error: BaseException, endpoint: Endpoint, network: Network) -> CallError:
    """What broke on the way to an endpoint, or on the way back.

    Args:
        error: of the HTTP client, or of a library above it whose cause it is; an error of ours
            among its causes is given as it is.
        endpoint: what was asked.
        network: how it was reached.
    """
    causes = tuple(_causes(error))
    ours = next((cause for cause in causes if isinstance(cause, CallError)), None)
    if ours is not None:
        return ours
    proxy = network.proxy_for(urlsplit(endpoint.base_url).hostname or "")
    shown = urlsplit(proxy).netloc.rpartition("@")[2]
    kind, what, cure = _told(causes, _Way(shown, f"Check {endpoint.base_setting} and the network"))
    sentence = f"{endpoint.provider} at {endpoint.address} {what}"
    return kind(sentence, provider=endpoint.provider, cure=cure)


def _told(causes: tuple[BaseException, ...], way: _Way) -> _Told:
    # The kinds stand in the order in which they tell more: a certificate more than a connection.
    for kind, tell in _KINDS.items():
        for cause in causes:
            if isinstance(cause, kind):
                return tell(cause, way)
    return NetworkFailed, "broke the connection before its answer was whole", ""


def _certificate(_error: BaseException, _way: _Way) -> _Told:
    return ConnectionRefused, "shows a certificate that cannot be trusted", CA_CURE


def _tls(_error: BaseException, way: _Way) -> _Told:
    return NetworkFailed, "does not speak TLS as it should", way.cure


def _name(error: BaseException, way: _Way) -> _Told:
    number = error.errno if isinstance(error, OSError) else None
    kind = ConnectionRefused if number in _NO_SUCH_NAME else NetworkFailed
    if way.proxy:
        return kind, f"cannot be asked: the proxy {way.proxy} is not found", PROXY_CURE
    return kind, "is not found: its name cannot be looked up", way.cure


def _proxy(error: BaseException, way: _Way) -> _Told:
    # A proxy that could not reach the host may reach it later; one that refuses goes on to.
    kind = NetworkFailed if re.match(r"5\d\d ", str(error)) else ConnectionRefused
    return kind, f"cannot be asked: the proxy {way.proxy} refuses", PROXY_CURE


def _connect(_error: BaseException, way: _Way) -> _Told:
    if way.proxy:
        what = f"cannot be asked: the proxy {way.proxy} takes no connection"
        return ConnectionRefused, what, PROXY_CURE
    return NetworkFailed, "takes no connection", way.cure


def _connect_slowly(_error: BaseException, way: _Way) -> _Told:
    return CallTimeout, "takes no connection in time", PROXY_CURE if way.proxy else way.cure


def _busy(_error: BaseException, _way: _Way) -> _Told:
    return CallTimeout, "cannot be asked in time, as all connections are in use", SLOW_CURE


def _slow(_error: BaseException, _way: _Way) -> _Told:
    return CallTimeout, "gave no answer in time", SLOW_CURE


def _unpacked(_error: BaseException, way: _Way) -> _Told:
    return MalformedOutput, "answered with a body that cannot be unpacked", way.cure


def _unsendable(_error: BaseException, way: _Way) -> _Told:
    return BadRequest, "cannot be asked so: the request breaks HTTP", way.cure


_KINDS: Final[Mapping[type[BaseException], Callable[[BaseException, _Way], _Told]]] = {
    ssl.SSLCertVerificationError: _certificate,
    ssl.SSLError: _tls,
    socket.gaierror: _name,
    httpx2.ProxyError: _proxy,
    httpx2.ConnectTimeout: _connect_slowly,
    httpx2.PoolTimeout: _busy,
    httpx2.TimeoutException: _slow,
    httpx2.ConnectError: _connect,
    httpx2.DecodingError: _unpacked,
    httpx2.UnsupportedProtocol: _unsendable,
    httpx2.LocalProtocolError: _unsendable,
    TimeoutError: _slow,
}


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
