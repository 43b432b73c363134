"""Names of tenants, and how what is a tenant's is told from what has the same name elsewhere.

The tenant "" is that of who is at this machine. Tenants are not made: a key names one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from wiseflow.core.errors import InvalidInput

# No slash and no control character: names are joined with what a tenant names itself.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_BETWEEN = "\x1f"


def check_tenant(name: str) -> str:
    """``name`` itself.

    Raises:
        InvalidInput: no tenant can be called so.
    """
    if name and not _NAME.fullmatch(name):
        raise InvalidInput(
            f"a tenant cannot be called {name[:80]!a}",
            cure="Use 1 to 63 of a-z, 0-9, dot, hyphen and underscore, "
            "a letter or digit at both ends",
        )
    return name


def qualified(tenant: str, name: str) -> str:
    """What a thing of a tenant is called where the things of all tenants are.

    That of the tenant "" keeps its name. No name holds the character that stands between the two,
    and no tenant does, so two tenants' things are never called alike.
    """
    return f"{tenant}{_BETWEEN}{name}" if tenant else name


class SourceAccess(Protocol):
    """Tells what a tenant may read."""

    async def visible(self, source_ids: Sequence[str]) -> frozenset[str]:
        """Those of the sources that are of its collections, or that its jobs hold or cite."""
        ...
