"""Addresses of pages: which texts are one, and where a redirect leads; nothing is looked up."""

from __future__ import annotations

import re
from typing import Final

import httpx2

from wiseflow.core.errors import AddressForbidden, BadRequest
from wiseflow.providers.addresses import literal, looks_like_address

PROVIDER: Final = "pages"
LONGEST_URL: Final = 8_192
MAX_PORT: Final = 65_535
# A name in ASCII, or an address; a zone is none of the public internet.
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


def parsed(text: str) -> httpx2.URL:
    """An address as the client itself reads it, so that what is checked is what is asked.

    Raises:
        BadRequest: it is not a web address.
        AddressForbidden: it holds a user or a password.
    """
    try:
        url = httpx2.URL(text) if len(text) <= LONGEST_URL else httpx2.URL()
        usable = url.scheme in {"http", "https"} and bool(_HOST.fullmatch(url.raw_host))
        usable = usable and (url.port is None or 0 < url.port <= MAX_PORT)
        host = host_of(url) if usable else ""
        usable = usable and (not looks_like_address(host) or bool(literal(host)))
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        usable, url = False, httpx2.URL()
    if not usable:
        raise BadRequest("the page's address is not a web address", provider=PROVIDER)
    if url.userinfo:
        raise AddressForbidden(
            "the page's address holds a user or a password",
            provider=PROVIDER,
            cure="Give the address without what stands before the @",
        )
    return url.copy_with(fragment=None)


def led_to(url: httpx2.URL, response: httpx2.Response) -> httpx2.URL:
    """Where a redirect leads. Raises as ``parsed``."""
    try:
        target = str(url.join(response.headers.get("location", "")))
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        target = ""
    return parsed(target)


def host_of(url: httpx2.URL) -> str:
    """The host as it is looked up."""
    return url.raw_host.decode("ascii")


def origin_of(url: httpx2.URL) -> str:
    """Scheme, host and port, the port left out where it is the scheme's own."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def target_of(url: httpx2.URL) -> str:
    """The path with its query, as it is sent."""
    return url.raw_path.decode("ascii")
