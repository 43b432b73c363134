"""The cookie of a login: it names the key that was shown, is signed, and ends.

It holds no key. As the key is looked up with each request, revoking it ends all its logins.
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "wiseflow_login"


class Sessions:
    """Makes and reads the cookies.

    Args:
        secret: signs them; the same in all processes of a service.
        hours: after how many one ends.
    """

    def __init__(self, secret: bytes, *, hours: float) -> None:
        self._signer = URLSafeTimedSerializer(
            secret,
            salt=COOKIE,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._seconds = int(hours * 3600)

    def key_id_of(self, cookie: str) -> str:
        """The id of the key that a cookie names; "" when it is not ours, or has ended."""
        try:
            named: object = self._signer.loads(cookie, max_age=self._seconds)
        except BadSignature:  # also of those that have ended
            return ""
        return named if isinstance(named, str) else ""

    def begin(self, request: Request, response: Response, key_id: str) -> None:
        """Set the cookie of a login."""
        response.set_cookie(
            COOKIE,
            self._signer.dumps(key_id),
            max_age=self._seconds,
            path=_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def end(self, request: Request, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(
            COOKIE,
            path=_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def _path(request: Request) -> str:
    """Nothing else at the same host gets it, where a proxy offers this under a path."""
    root: str = request.scope.get("root_path", "")
    return f"{root}/" if root else "/"
