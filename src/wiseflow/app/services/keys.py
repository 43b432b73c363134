"""Makes, lists and ends API keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import Forbidden, InvalidInput, NotFound
from wiseflow.core.keys import ApiKey, NewKey, digest_of, key_id_of, new_key_text
from wiseflow.core.tenants import check_tenant

LONGEST_NAME = 100
LONGEST_LIFE_S = 3_650 * 86_400.0
MOST_REQUESTS_PER_MINUTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key that was just made, with its text, which is shown this once.

    Args:
        key: what is kept of it.
        text: what is sent with requests.
    """

    key: ApiKey
    text: str


class KeysService:
    """API keys, for one principal: those of its tenant; the tenant "" has charge of all.

    Args:
        application: open.
        principal: who asks; an administrator.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def create(self, new: NewKey) -> IssuedKey:
        """Make a key.

        Raises:
            Forbidden: the principal is no administrator, or of another tenant.
            InvalidInput: a name, a time or a number cannot be used.
        """
        self.principal.require(Scope.ADMIN)
        check_tenant(new.tenant)
        if self.principal.tenant not in {"", new.tenant}:
            raise Forbidden(
                f"the key {self.principal.name!r} has charge of the tenant "
                f"{self.principal.tenant!r} alone",
                cure="Make the key for that tenant",
            )
        _check(new)
        text = new_key_text()
        key = await self._app.keys.add(new, key_id=key_id_of(text), digest=digest_of(text))
        self._app.key_ring.forget()
        return IssuedKey(key=key, text=text)

    async def keys(self) -> list[ApiKey]:
        """All keys that the principal has charge of, the newest first. Raises ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        return await self._app.keys.list(tenant=self.principal.tenant or None)

    async def key(self, key_id: str) -> ApiKey:
        """One key. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        stored = await self._app.keys.find(key_id)
        if stored is None or self.principal.tenant not in {"", stored.key.tenant}:
            raise NotFound(
                f"there is no key {key_id[:80]!a}", cure="List them with: wiseflow keys list"
            )
        return stored.key

    async def revoke(self, key_id: str) -> ApiKey:
        """End a key; a second time changes nothing. Raises ``NotFound``, ``Forbidden``."""
        return await self._end(await self.key(key_id), 0.0)

    async def rotate(self, key_id: str, *, grace_s: float = 0.0) -> IssuedKey:
        """Make a key that may do the same, and end the old one.

        Args:
            key_id: of the old one.
            grace_s: for how many seconds the old one still holds.

        Raises:
            NotFound: there is no such key.
            Forbidden: the principal may not.
            InvalidInput: the old one holds no more, or the time cannot be used.
        """
        old = await self.key(key_id)
        if not old.live:
            raise InvalidInput(f"the key {key_id} is revoked or has expired", cure="Make a new one")
        _check_life("the grace", grace_s)
        lasts = None if old.expires_at is None else old.expires_at - old.created_at
        new = NewKey(
            name=old.name,
            tenant=old.tenant,
            scope=old.scope,
            requests_per_minute=old.requests_per_minute,
            expires_in_s=lasts,
        )
        issued = await self.create(new)
        await self._end(old, grace_s)
        return issued

    async def _end(self, key: ApiKey, in_s: float) -> ApiKey:
        ended = await self._app.keys.end(key.key_id, in_s=in_s)
        self._app.key_ring.forget()
        return ended or replace(key, live=False)


def _check(new: NewKey) -> None:
    if not new.name.strip() or len(new.name) > LONGEST_NAME or not new.name.isprintable():
        raise InvalidInput(
            f"a key cannot be called {new.name[:LONGEST_NAME]!a}",
            cure=f"Give it a name of 1 to {LONGEST_NAME} characters that can be printed",
        )
    if new.expires_in_s is not None:
        _check_life("the time until a key expires", new.expires_in_s)
        if not new.expires_in_s:
            raise InvalidInput("a key cannot expire at once", cure="Give it some time")
    most = MOST_REQUESTS_PER_MINUTE
    if not 0 <= (new.requests_per_minute or 0) <= most:
        raise InvalidInput(
            f"{new.requests_per_minute} requests a minute cannot be allowed",
            cure=f"Give a number from 1 to {most:,}, or 0 for no limit",
        )


def _check_life(what: str, seconds: float) -> None:
    if not 0 <= seconds <= LONGEST_LIFE_S:  # not a number fails this, too
        raise InvalidInput(
            f"{what} is out of range", cure="Give at most ten years, and not less than 0"
        )
