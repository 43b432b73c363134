"""Who asks, told by what a request brings: an API key, the cookie of a login, or nothing.

A key goes before a cookie. Whoever brings one that is wrong is refused, even where nothing at all
would have done: it is a mistake, and better known.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from wiseflow.app.key_ring import KeyRing
from wiseflow.core.access import LOCAL, Principal
from wiseflow.core.errors import Forbidden, Unauthenticated
from wiseflow.core.keys import ApiKey
from wiseflow.server.local_access import Exposure
from wiseflow.server.origins import is_meant
from wiseflow.server.sessions import COOKIE, Sessions

KEY_HEADER = "x-api-key"
# In place of a key that was left empty: a mistake, too.
NO_KEY = "-"
ALL_SCHEMES = "Send it as X-API-Key or Authorization: Bearer, or log in at /login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Tells who asks.

    Args:
        ring: knows the keys.
        sessions: knows the cookies.
        exposure: where the server is reached.
    """

    ring: KeyRing
    sessions: Sessions
    exposure: Exposure

    async def key_of(self, request: Request) -> ApiKey | None:
        """The key that a request brings; ``None`` for who is at this machine.

        Raises:
            Unauthenticated: it brings none, or one that does not hold.
            Forbidden: another site's page made the browser send it.
            StorageError: the database does not answer.
        """
        if text := _sent(request):
            return await self.ring.key(text)
        if cookie := request.cookies.get(COOKIE):
            key = await self._logged_in(cookie)
            _refuse_foreign(request, unless_told=False)
            return key
        why_not = self.exposure.why_not_local(request.headers, any_key=await self.ring.any_key())
        if why_not:
            raise Unauthenticated(f"an API key is needed: {why_not}", cure=ALL_SCHEMES)
        # curl tells no origin, and is run by who is at this machine.
        _refuse_foreign(request, unless_told=True)
        return None

    async def _logged_in(self, cookie: str) -> ApiKey:
        key_id = self.sessions.key_id_of(cookie)
        if not key_id:
            raise Unauthenticated("the login has ended", cure="Log in again at /login")
        return await self.ring.by_id(key_id)


def principal_with(key: ApiKey | None) -> Principal:
    """Who asks with a key, or with none."""
    return LOCAL if key is None else key.principal


def _sent(request: Request) -> str:
    """The text of the key that a request sends, or ""."""
    if (sent := request.headers.get(KEY_HEADER)) is not None:
        return sent.strip() or NO_KEY
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() or NO_KEY if scheme.lower() == "bearer" else ""


def _refuse_foreign(request: Request, *, unless_told: bool) -> None:
    if not is_meant(request.method, request.headers, unless_told=unless_told):
        raise Forbidden(
            "the request was made by a page of another site", cure="Use the pages of this server"
        )
