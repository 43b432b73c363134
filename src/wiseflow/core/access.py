"""Who asks, for which tenant, and what that one may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.errors import Forbidden


class Scope(StrEnum):
    """What a key may do; each holds those before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"

    def holds(self, needed: Scope) -> bool:
        """Whether who has this scope may do what needs another."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    Args:
        name: for people: of the key, or of who is at this machine.
        key_id: of the API key, or "" for who is at this machine.
        tenant: whose researches and documents are seen; "" is that of who is at this machine.
        scope: the most that it may do.
    """

    name: str
    key_id: str = ""
    tenant: str = ""
    scope: Scope = Scope.READ

    def require(self, needed: Scope) -> None:
        """Go on if this one may do what needs a scope.

        Raises:
            Forbidden: it may not.
        """
        if not self.scope.holds(needed):
            raise Forbidden(
                f"the key {self.name!r} has the scope {self.scope}, and this needs {needed}",
                cure="Use a key with that scope; an administrator makes one",
            )


# Who is at this machine: the command line, and a server that only this machine reaches.
LOCAL = Principal(name="local", scope=Scope.ADMIN)
