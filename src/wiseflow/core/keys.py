"""API keys: how they are written, what is kept of them, and the port of the store that keeps it.

A key is ``wf_<key id>_<secret>``. The id finds its row and may be shown; the secret is random and
is shown once. Only the SHA-256 of the whole is kept.

A fast hash is right here, where for a password it would be wrong: a slow one makes guessing dear,
and a secret of 256 random bits cannot be guessed at any speed; each request would pay for it.
Source: NIST SP 800-63B, 5.1.2.2: secrets of at least 112 bits are kept by an approved one-way
function, only those with less need a salt and a slow key derivation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Protocol

from wiseflow.core.access import Principal, Scope
from wiseflow.core.ids import ALPHABET

PREFIX = "wf"
ID_LENGTH = 12
SECRET_BYTES = 32
# Longer than any key: what is longer is not looked at.
LONGEST = 200
# Base 32 of RFC 4648 in lower case: a double click selects all of it.
_FORM = re.compile(rf"{PREFIX}_(?P<key_id>[{ALPHABET}]{{{ID_LENGTH}}})_[a-z2-7]{{52}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it may be shown. Times are seconds since the epoch by the database's clock.

    Args:
        key_id: names it; no secret.
        name: for people.
        tenant: whose researches and documents it sees.
        scope: the most that it may do.
        requests_per_minute: how many it may send, 0 for no limit; ``None`` for what the settings
            say.
        created_at: when it was made.
        expires_at: from when on it does not hold; ``None`` for never.
        last_used_at: when it was last seen, to a minute; ``None`` for never.
        revoked_at: when it was revoked; ``None`` for not.
        live: whether it held when it was read: neither revoked nor expired.
    """

    key_id: str
    name: str
    tenant: str
    scope: Scope
    requests_per_minute: int | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None
    live: bool

    @property
    def principal(self) -> Principal:
        """Who asks with this key."""
        return Principal(name=self.name, key_id=self.key_id, tenant=self.tenant, scope=self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be made.

    Args:
        name, tenant, scope, requests_per_minute: as in ``ApiKey``.
        expires_in_s: after how many seconds it ends; ``None`` for never.
    """

    name: str
    tenant: str = ""
    scope: Scope = Scope.READ
    requests_per_minute: int | None = None
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key with the SHA-256 of its whole text, in hexadecimal."""

    key: ApiKey
    digest: str

    def is_of(self, text: str) -> bool:
        """Whether this is the key so written; takes as long whichever letters differ."""
        return hmac.compare_digest(self.digest, digest_of(text))


class KeyStore(Protocol):
    """Keeps API keys. None is ever erased, so that the audit log's ids keep their meaning."""

    async def add(self, new: NewKey, *, key_id: str, digest: str) -> ApiKey:
        """Keep a new key."""
        ...

    async def find(self, key_id: str) -> StoredKey | None:
        """The key of that id, live or not."""
        ...

    async def list(self, *, tenant: str | None = None) -> list[ApiKey]:
        """The keys of a tenant, or of all, the newest first."""
        ...

    async def end(self, key_id: str, *, in_s: float = 0.0) -> ApiKey | None:
        """Revoke a key now, or have it expire in so many seconds if it does not sooner.

        Returns:
            The key as it is then; ``None`` when there is none of that id.
        """
        ...

    async def touch(self, key_id: str) -> None:
        """Note that the key was used."""
        ...

    async def any(self) -> bool:
        """Whether a key was ever made."""
        ...


def new_key_text() -> str:
    """A new key, from the system's source of random numbers: 60 bits of id, 256 of secret."""
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=").lower()
    return f"{PREFIX}_{key_id}_{secret}"


def key_id_of(text: str) -> str:
    """The id in a key's text, or "" when it is no key."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    return found["key_id"] if found else ""


def digest_of(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
