"""Which scope a route needs, said at the route or its router; one that does not say is refused.

::

    router = APIRouter(prefix="/research", dependencies=[READ])

    @router.post("/{research_id}/cancel", dependencies=[RUN])

Both then hold. ``PUBLIC`` says that anybody may call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from wiseflow.core.access import Scope
from wiseflow.core.errors import Forbidden
from wiseflow.server.principals import principal_of

PREFIX = "/api/v1"
# What is no route of ours, and open: the description of the interface.
OPEN_PATHS = frozenset({f"{PREFIX}/openapi.json"})


class Needs:
    """Lets a request through whose sender has a scope.

    Args:
        scope: that is needed.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> None:
        """Go on. Raises ``Unauthenticated``, ``Forbidden``."""
        (await principal_of(request)).require(self.scope)


class Anyone:
    """Lets every request through."""

    async def __call__(self) -> None:
        """Go on."""


READ = Depends(Needs(Scope.READ))
RUN = Depends(Needs(Scope.RUN))
ADMIN = Depends(Needs(Scope.ADMIN))
PUBLIC = Depends(Anyone())


async def refuse_undeclared(request: Request) -> None:
    """Go on if the route says who may call it: a dependency of the whole application.

    Raises:
        Forbidden: it does not.
    """
    if not _declares(request.scope["route"]):
        raise Forbidden("this route does not say who may call it", cure="Report it: it is a fault")


def undeclared(app: FastAPI) -> list[str]:
    """The routes and mounts that do not say who may call them, as ``GET /path``."""
    return [
        f"{','.join(sorted(context.methods or {'*'}))} {context.path}"
        for context in iter_route_contexts(app.routes)
        if context.path not in OPEN_PATHS and not _declares(context)
    ]


def closed(app: FastAPI) -> set[tuple[str, str]]:
    """The routes that need a scope, by method and path."""
    return {
        (method, context.path or "")
        for context in iter_route_contexts(app.routes)
        if any(isinstance(one.dependency, Needs) for one in getattr(context, "dependencies", ()))
        for method in context.methods or ()
    }


def _declares(route: BaseRoute | RouteContext) -> bool:
    dependencies: Sequence[Any] = getattr(route, "dependencies", ())
    return any(isinstance(one.dependency, Needs | Anyone) for one in dependencies)
