"""Which addresses pages may be fetched from: those of the public internet, and what is opened.

A page's address comes from the web, so it may name a machine behind our own walls (server-side
request forgery). Names prove nothing; what counts is the address that is connected to.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from wiseflow.providers.network import AnyNetwork

Address = IPv4Address | IPv6Address

# Source: IANA IPv4 Special-Purpose Address Registry (RFC 6890) and RFC 5771 (multicast), RFC 1112
# (240.0.0.0/4), RFC 7526 (192.88.99.0/24). What is special, yet globally reachable, is left out
# where no page is served from it. Not ``is_global``: what it says differs between Python 3.11.x.
_SPECIAL_V4: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# Source: IANA IPv6 Address Space: only 2000::/3 is global unicast; IANA IPv6 Special-Purpose
# Address Registry for what is taken out of it: protocol assignments with Teredo (RFC 2928),
# documentation (RFC 3849, RFC 9637) and 6to4 (RFC 3056), which reaches IPv4 by detours.
_UNICAST_V6: Final = ip_network("2000::/3")
_SPECIAL_V6: Final = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
# Source: RFC 6052, section 2.1: the last 32 bits are the IPv4 address that is reached.
_NAT64: Final = ip_network("64:ff9b::/96")
_V4_BITS: Final = 0xFFFF_FFFF
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def may_fetch_from(text: str, allowed: Sequence[AnyNetwork] = ()) -> bool:
    """Whether pages may be fetched from an address.

    Args:
        text: an IPv4 or IPv6 address, maybe with a zone; anything else is refused.
        allowed: networks that are opened on purpose.
    """
    try:
        address = reached(ip_address(text))
    except ValueError:
        return False
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _UNICAST_V6 and not any(address in network for network in _SPECIAL_V6)


def reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, or by NAT64), or itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _V4_BITS) if address in _NAT64 else address


def literal(host: str) -> str:
    """The address that a host is written as, in any form that resolvers take; "" for a name.

    Source: POSIX ``inet_addr``: ``127.1``, ``0x7f.1`` and ``2130706433`` are all 127.0.0.1. A dot
    at the end, which names may have, is taken away by some.
    """
    host = host.removesuffix(".")
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except (OSError, UnicodeError, ValueError):  # ValueError: a NUL in it
        return ""


def looks_like_address(host: str) -> bool:
    """Whether a host, be it an address or not, ends as only addresses do.

    What is read as an address by one program and as a name by another is neither.

    Source: WHATWG URL Standard, "ends in a number checker".
    """
    return ":" in host or _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def is_this_machine(host: str) -> bool:
    """Whether a name is this machine's for whoever looks it up. Source: RFC 6761, section 6.3."""
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")
