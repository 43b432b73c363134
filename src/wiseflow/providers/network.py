"""How the outside is reached: proxy, certificates, and what must not be reached."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from wiseflow.core.errors import AddressForbidden, ConfigurationError

AnyNetwork = IPv4Network | IPv6Network
PROXY_SCHEMES = ("http", "https")


@dataclass(frozen=True, kw_only=True)  # no slots: it keeps what is read once
class Network:
    """How requests go out. Nothing of it is read from the environment.

    Args:
        proxy: the address of a proxy (``HTTPS_PROXY``), or "" for none. What is on this machine is
            never asked through it.
        no_proxy: hosts that are reached without the proxy (``NO_PROXY``): names with their
            subdomains, addresses, networks (CIDR), or ``*``, with commas between.
        local_only: whether nothing may leave this machine (``LOCAL_ONLY``).
        allowed_networks: private networks (CIDR) that pages may be fetched from
            (``FETCH_ALLOWED_NETWORKS``).
        ca_file: certificate authorities besides the system's own (``SSL_CERT_FILE``), a PEM file.

    Raises:
        ConfigurationError: an entry that cannot be read.
    """

    proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    local_only: bool = False
    allowed_networks: tuple[str, ...] = ()
    ca_file: str = ""

    def __post_init__(self) -> None:
        if self.proxy and not _is_proxy(self.proxy):
            raise ConfigurationError(
                "the address of the proxy is not one",
                cure="Set HTTPS_PROXY to http://HOST:PORT, or leave it out",
            )
        _ = self.networks  # read now, so that a wrong one is told at the start

    @cached_property
    def networks(self) -> tuple[AnyNetwork, ...]:
        """The private networks that pages may be fetched from."""
        return tuple(_network(text) for text in self.allowed_networks)

    def proxy_for(self, host: str) -> str:
        """The proxy by which a host is reached, or ""."""
        if not self.proxy or is_loopback(host) or _listed(host, self.no_proxy):
            return ""
        return self.proxy

    def check(self, url: str, *, provider: str = "") -> None:
        """Refuse an address that nothing may be sent to, before it is looked up.

        Raises:
            AddressForbidden: everything is to stay on this machine, and the address does not.
        """
        host = urlsplit(url).hostname or ""
        if self.local_only and not is_loopback(host):
            raise forbidden(host, provider=provider)

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """What checks certificates: the system's authorities, and those of ``ca_file``.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        import httpx2  # noqa: PLC0415 - slow, and settings are checked without it

        context = httpx2.create_ssl_context(trust_env=False)
        if self.ca_file:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise ConfigurationError(
                    f"the certificate authorities in {self.ca_file} cannot be read",
                    cure="Set SSL_CERT_FILE to a file of certificates in PEM form",
                ) from error
        return context


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine without being looked up.

    Source: RFC 6761, section 6.3 (localhost), of which only the plain name is taken, as resolvers
    ask others for names below it; RFC 1122 and RFC 4291 for the addresses.
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def forbidden(host: str, *, provider: str = "") -> AddressForbidden:
    """The error of sending something away when all is to stay here."""
    return AddressForbidden(
        f"nothing may be sent to {host}, as everything is to stay on this machine",
        provider=provider,
        cure="Use a provider on this machine, or turn LOCAL_ONLY off",
    )


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _network(text: str) -> AnyNetwork:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a network",
            cure="Set FETCH_ALLOWED_NETWORKS to networks like 10.1.0.0/16, with commas between",
        ) from None


def _listed(host: str, no_proxy: str) -> bool:
    # Source: curl's manual, NO_PROXY: names hold for what is below them too; CIDR is accepted.
    return any(
        _matches(host.lower(), entry) for entry in no_proxy.lower().replace(",", " ").split()
    )


def _matches(host: str, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name = entry.removeprefix("*").removeprefix(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
