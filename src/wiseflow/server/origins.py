"""Whether a request that changes something was meant by who sits at the browser.

A browser adds a cookie, or the place that it runs at, to every request, also to those that another
site's page makes it send. It tells, though, which page made it. What brings an API key has nothing
added by the browser, and is not asked.
Source: the OWASP cheat sheet on cross-site request forgery, "Fetch Metadata headers" and "Verifying
origin with standard headers"; W3C, Fetch Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})
_PORTS = {"http": 80, "https": 443}


def is_meant(method: str, headers: Mapping[str, str], *, unless_told: bool) -> bool:
    """Whether a request may go on.

    Args:
        method: of the request.
        headers: of the request, by names in lower case.
        unless_told: what holds when nothing tells where it comes from: no browser of these days
            leaves that out, but other programs do.
    """
    if method in SAFE_METHODS:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN
    origin = headers.get("origin")
    if origin is None:
        return unless_told
    return _same_host(origin, headers.get("host", ""))


def _same_host(origin: str, host: str) -> bool:
    # The scheme is not compared: a proxy that ends TLS hides it.
    try:
        there = urlsplit(origin)
        here = urlsplit(f"//{host}")
        default = _PORTS.get(there.scheme)
        same_port = (there.port or default) == (here.port or default)
    except ValueError:
        return False
    return (
        default is not None
        and same_port
        and bool(here.hostname)
        and (there.hostname == here.hostname)
    )
