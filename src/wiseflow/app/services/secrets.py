"""Keeps secret settings, encrypted; what was set is never shown again."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.app.application import Application
from wiseflow.app.sealing import SecretBox, masters_of
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import Forbidden, InvalidInput, NotFound
from wiseflow.core.sealed import SealedSecret
from wiseflow.settings.registry import SETTINGS

LONGEST = 8_192
MASTER = "WISEFLOW_SECRET_KEY"
NAMES = tuple(setting.name for setting in SETTINGS if setting.secret and setting.name != MASTER)


class SecretsService:
    """Kept secrets, for one principal: an administrator of the tenant "", as all share them.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def set(self, name: str, value: str) -> None:
        """Keep a secret; processes that start from now on have it.

        Raises:
            Forbidden: the principal may not.
            InvalidInput: there is no such secret setting, or the value cannot be one.
            ConfigurationError: ``WISEFLOW_SECRET_KEY`` is not set, or too short.
        """
        self._require()
        if name not in NAMES:
            raise InvalidInput(
                f"{name[:80]!a} is no secret setting", cure=f"It is one of {', '.join(NAMES)}"
            )
        if not value or len(value) > LONGEST or not value.isprintable():
            raise InvalidInput(
                f"what was given for {name} cannot be a secret",
                cure=f"Give 1 to {LONGEST:,} characters on one line",
            )
        await self._app.secrets.put([self._box().seal(name, value)])

    async def secrets(self) -> Sequence[SealedSecret]:
        """Which are kept, by name. Raises ``Forbidden``."""
        self._require()
        return await self._app.secrets.all()

    async def delete(self, name: str) -> None:
        """Erase a secret. Raises ``NotFound``, ``Forbidden``."""
        self._require()
        if not await self._app.secrets.delete(name):
            raise NotFound(f"no secret {name[:80]!a} is kept", cure="See: wiseflow secrets list")

    async def rotate(self) -> int:
        """Seal all anew with the newest key, those of webhooks too; how many those are.

        Raises:
            Forbidden: the principal may not.
            ConfigurationError: one cannot be read; none was changed then.
        """
        self._require()
        box, texts = self._box(), self._app.upkeep.box
        kept = await self._app.secrets.all()
        told = await self._app.upkeep.webhooks.secrets()
        anew = [box.seal(one.name, box.open(one)) for one in kept]
        told_anew = {name: texts.seal(texts.unseal(text)) for name, text in told.items()}
        await self._app.secrets.put(anew)
        await self._app.upkeep.webhooks.reseal(told_anew)
        return len(anew) + len(told_anew)

    def _box(self) -> SecretBox:
        return SecretBox(masters_of(self._app.settings))

    def _require(self) -> None:
        self.principal.require(Scope.ADMIN)
        if self.principal.tenant:
            raise Forbidden(
                "secrets are shared by all tenants",
                cure="Use an administrator's key without a tenant",
            )
