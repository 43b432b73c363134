"""Whether a request without a key is from who is at this machine.

Whoever it comes from, the address of the peer proves nothing: behind a proxy on the same machine
everybody comes from a loopback address. So it goes by what the server itself knows: where it
listens. And a browser at this machine may be led here by a page of a stranger, whose name then
leads to a loopback address (DNS rebinding): such requests name the stranger's host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from wiseflow.app import is_loopback

# What proxies add. Source: RFC 7239; RFC 9110, 7.6.3; the documentation of nginx, Apache, Caddy,
# Traefik and Cloudflare.
PROXY_HEADERS = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-real-ip",
    "x-original-forwarded-for",
    "x-client-ip",
    "cf-connecting-ip",
    "true-client-ip",
    # Of another scheme than ours, as a proxy has it that asks for a password itself.
    "authorization",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Where the server is reached.

    Args:
        host: the address that it listens on, "" when whoever made the application did not tell.
        root_path: under which a proxy offers it, or "".
        mode: ``API_LOCAL_ACCESS``.
    """

    host: str = ""
    root_path: str = ""
    mode: str = "auto"

    @property
    def here_only(self) -> bool:
        """Whether nothing but this machine can connect."""
        return bool(self.host) and is_loopback(self.host)

    def why_not_local(self, headers: Mapping[str, str], *, any_key: bool) -> str:
        """Why a request without a key is not of who is at this machine; "" when it is.

        Args:
            headers: of the request, by names in lower case.
            any_key: whether an API key was ever made.
        """
        seen = next((name for name in PROXY_HEADERS if name in headers), "")
        reasons = (
            (self.mode == "off", "API_LOCAL_ACCESS is off"),
            (not self.here_only, "the server listens on more than this machine's own addresses"),
            (bool(self.root_path), "the server is behind a proxy, as its --root-path tells"),
            (bool(seen), f"the request came through a proxy, as its header {seen} tells"),
            (
                not names_this_machine(headers.get("host", "")),
                "the request's Host is not this machine's own name",
            ),
            (any_key and self.mode != "on", "API keys are in use"),
        )
        return next((why for holds, why in reasons if holds), "")


def names_this_machine(host: str) -> bool:
    """Whether a ``Host`` header names ``localhost`` or a loopback address, maybe with a port."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises ValueError when it is no number
    except ValueError:
        return False
    if not parts.hostname or parts.netloc != host or "@" in host:
        return False
    return is_loopback(parts.hostname)
