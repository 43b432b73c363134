"""An endpoint: where a provider is asked, with which key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wiseflow.core.errors import ConfigurationError
from wiseflow.providers.network import is_loopback

_FINGERPRINT = 12  # hex digits: enough to tell a user's few keys apart, far too few to guess one


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is asked, with which key; its ``repr`` shows neither key nor options.

    Args:
        provider: its name, as it stands in a result and in the names of its settings.
        base_url: ``http`` or ``https``, with the path its requests begin with, without a query.
        api_key: "" where none is needed.
        options: what only this provider understands.
        settings: what the names of its settings begin with, when it is not ``provider`` in upper
            case: ``LLM`` for ``LLM_API_KEY`` and ``LLM_API_BASE``.

    Raises:
        ConfigurationError: the address is not one, or the key holds what no header can.
    """

    provider: str
    base_url: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False, hash=False)
    settings: str = ""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, a bracket that is not closed
            usable = False
        if not usable:
            # The address itself is not shown, as it may hold a password.
            raise ConfigurationError(
                f"the address of {self.provider} is not a web address",
                cure=f"Set {self.base_setting} to one that begins with https:// or http://",
            )
        # Source: RFC 9110, section 5.5: field values are visible ASCII.
        if not all("!" <= character <= "~" for character in self.api_key):
            raise ConfigurationError(
                f"the key for {self.provider} holds a character that no key may hold",
                cure=f"Set {self.key_setting} without blanks, quotes or line ends around it",
            )

    @property
    def key_setting(self) -> str:
        """The setting that holds its key."""
        return f"{self._prefix}_API_KEY"

    @property
    def base_setting(self) -> str:
        """The setting that holds its address."""
        return f"{self._prefix}_API_BASE"

    @property
    def address(self) -> str:
        """Scheme, host and port: what may be shown."""
        parts = urlsplit(self.base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"

    @property
    def account(self) -> str:
        """A fingerprint of the key, for ``LimitKey``; "" without a key."""
        digest = hashlib.sha256(b"wiseflow account\0" + self.api_key.encode()).hexdigest()
        return digest[:_FINGERPRINT] if self.api_key else ""

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, so that a local-only run may ask it."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    def url(self, path: str) -> str:
        """The address of one of its resources.

        Args:
            path: without a leading slash, for instance ``search``.
        """
        return f"{self.base_url.rstrip('/')}/{path}"

    @property
    def _prefix(self) -> str:
        return self.settings or self.provider.upper().replace("-", "_")
