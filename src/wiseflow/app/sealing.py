"""Encrypts secrets at rest with ``WISEFLOW_SECRET_KEY``, and reads them back into the settings.

AES-256-GCM, which also tells whether anything was changed; the name is bound in, so that nobody can
put one secret in another's place. The key is derived from the text in the setting, which is to be
random: see ``new_master``.
Source: NIST SP 800-38D for GCM and its nonces of 96 bits; RFC 5869 for HKDF.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence

from wiseflow.core.errors import ConfigurationError, MissingExtra
from wiseflow.core.sealed import SealedSecret, SecretStore
from wiseflow.observability.logs import Logger, hide_also
from wiseflow.settings.model import Settings

LEAST_LENGTH = 32
_NONCE_BYTES = 12
# No secret of a webhook begins so: those begin with "whsec_".
_SEALED = "sealed:"
_PURPOSE = b"wiseflow secrets at rest"
_log = Logger(__name__)


class SecretBox:
    """Seals and opens.

    Args:
        masters: texts of ``WISEFLOW_SECRET_KEY``, the newest first: that one seals.
    """

    def __init__(self, masters: Sequence[str]) -> None:
        if not masters:
            raise ConfigurationError(
                "WISEFLOW_SECRET_KEY is not set, and secrets are kept with it alone",
                cure="Make one with: wiseflow secrets new-key; and set it in the environment",
            )
        keys = [_derived(master) for master in masters]
        self._keys = {_id_of(key): key for key in keys}
        self._newest = _id_of(keys[0])

    @property
    def key_id(self) -> str:
        """Of the key that seals."""
        return self._newest

    def seal(self, name: str, value: str) -> SealedSecret:
        """A secret, encrypted."""
        # No nonce of 96 random bits comes twice in the few secrets that one key ever seals.
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _cipher(self._keys[self._newest]).encrypt(
            nonce, value.encode(), _bound(name, self._newest)
        )
        text = base64.b64encode(nonce + sealed).decode()
        return SealedSecret(name=name, key_id=self._newest, sealed=text)

    def open(self, secret: SealedSecret) -> str:
        """What was sealed.

        Raises:
            ConfigurationError: its key is not there, or it was changed.
        """
        key = self._keys.get(secret.key_id)
        if key is None:
            raise ConfigurationError(
                f"the secret {secret.name} was sealed with another WISEFLOW_SECRET_KEY",
                cure="Put the old one after the new one, with a comma between, or set it again",
            )
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - an extra

        try:
            raw = base64.b64decode(secret.sealed, validate=True)
            bound = _bound(secret.name, secret.key_id)
            return _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise ConfigurationError(
                f"the kept secret {secret.name} was changed, or is damaged",
                cure=f"Set it again with: wiseflow secrets set {secret.name}",
            ) from None


class SealedTexts:
    """Seals secrets that are kept as one text in rows of their own, such as those of webhooks.

    Without a key they are left as they are, and what was left so is read when there is one.

    Args:
        masters: texts of ``WISEFLOW_SECRET_KEY``, the newest first; none where it is not set.
        name: of what is kept, bound in.
    """

    def __init__(self, masters: Sequence[str], *, name: str) -> None:
        self._box = SecretBox(masters) if masters else None
        self._name = name

    def seal(self, secret: str) -> str:
        """The secret as it may be stored."""
        if self._box is None:
            return secret
        made = self._box.seal(self._name, secret)
        return f"{_SEALED}{made.key_id}:{made.sealed}"

    def unseal(self, sealed: str) -> str:
        """The secret that was sealed.

        Raises:
            ConfigurationError: its key is not there, or it was changed.
        """
        if not sealed.startswith(_SEALED):
            return sealed
        if self._box is None:
            raise ConfigurationError(
                f"{self._name} was sealed with WISEFLOW_SECRET_KEY, which is not set",
                cure="Set it to what it was then",
            )
        key_id, _, text = sealed.removeprefix(_SEALED).partition(":")
        try:
            return self._box.open(SealedSecret(name=self._name, key_id=key_id, sealed=text))
        except ConfigurationError as error:
            raise ConfigurationError(
                error.message,
                cure="Put the old WISEFLOW_SECRET_KEY after the new one, with a comma between, or "
                "make what needs the secret anew",
            ) from error


def masters_of(settings: Settings) -> tuple[str, ...]:
    """The texts in ``WISEFLOW_SECRET_KEY``, the newest first; none when it is not set.

    Raises:
        ConfigurationError: one is too short to be random enough.
    """
    given = settings.wiseflow_secret_key.get_secret_value().split(",")
    masters = tuple(text.strip() for text in given if text.strip())
    if any(len(master) < LEAST_LENGTH for master in masters):
        raise ConfigurationError(
            f"WISEFLOW_SECRET_KEY has fewer than {LEAST_LENGTH} characters",
            cure="Make one with: wiseflow secrets new-key",
        )
    return masters


def new_master() -> str:
    """A new text for ``WISEFLOW_SECRET_KEY``, of 256 random bits."""
    return secrets.token_urlsafe(32)


async def with_kept_secrets(settings: Settings, store: SecretStore) -> Settings:
    """The settings, with the secrets that are kept where no other source names them.

    A secret that cannot be read is not set, and told in the log: the rest of the program goes on.

    Raises:
        ConfigurationError: ``WISEFLOW_SECRET_KEY`` is too short.
        StorageError: the database does not answer.
    """
    masters = masters_of(settings)
    kept = await store.all()
    if not kept:
        return settings
    if not masters:
        _log.warning("Secrets are kept that cannot be read, as WISEFLOW_SECRET_KEY is not set")
        return settings
    found = _opened(SecretBox(masters), kept)
    hide_also(found.values())
    return settings.with_kept(found)


def _opened(box: SecretBox, kept: Sequence[SealedSecret]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for secret in kept:
        try:
            found[secret.name] = box.open(secret)
        except ConfigurationError as error:
            _log.warning("A secret that is kept cannot be read", name=secret.name, error=str(error))
    return found


def _derived(master: str) -> bytes:
    """A key of 256 bits: HKDF of one block, without salt."""
    drawn = hmac.digest(bytes(hashlib.sha256().digest_size), master.encode(), hashlib.sha256)
    return hmac.digest(drawn, _PURPOSE + b"\x01", hashlib.sha256)


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"id of " + key).hexdigest()[:16]


def _bound(name: str, key_id: str) -> bytes:
    return f"{key_id}/{name}".encode()


def _cipher(key: bytes):  # noqa: ANN202 - a class of the extra
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("server", "keeping secrets") from None
    return AESGCM(key)
