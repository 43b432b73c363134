"""Who asks, by request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from wiseflow.app import Application
from wiseflow.app.service import Service
from wiseflow.app.services.documents import DocumentService
from wiseflow.core.access import Principal
from wiseflow.core.keys import ApiKey
from wiseflow.server.admission import Admission, principal_with
from wiseflow.server.client_limits import ClientLimits, too_often


async def application_of(request: Request) -> Application:
    """The application that is served."""
    application: Application = request.app.state.application
    return application


async def admission_of(request: Request) -> Admission:
    """What tells who asks."""
    admission: Admission = request.app.state.admission
    return admission


async def principal_of(request: Request) -> Principal:
    """Who asks.

    It depends on nothing but the request: FastAPI walks through all that a dependency depends on,
    each time somebody needs it, and every request needs this one twice.

    Raises:
        Unauthenticated: nobody who is known.
        Forbidden: another site's page made a browser ask.
        TooOften: the key has asked more often than it may.
    """
    # A route with a body asks before it reads that, and is counted once.
    if (known := getattr(request.state, "principal", None)) is not None:
        return known
    key = await (await admission_of(request)).key_of(request)
    if key is not None:
        await _count(request, key)
    principal = principal_with(key)
    # For what comes after the answer: limits, the audit log, streams that go on for long.
    request.state.key = key
    request.state.principal = principal
    return principal


async def _count(request: Request, key: ApiKey) -> None:
    limits: ClientLimits = request.app.state.client_limits
    standing, allowed = await limits.take(key)
    request.state.standing = standing
    if standing is not None and not allowed:
        raise too_often(standing)


async def service_of(request: Request) -> Service:
    """The program, for who asks."""
    return Service(request.app.state.application, await principal_of(request))


async def documents_of(request: Request) -> DocumentService:
    """The documents, for who asks."""
    return DocumentService(request.app.state.application, await principal_of(request))


App = Annotated[Application, Depends(application_of)]
Serving = Annotated[Service, Depends(service_of)]
Documents = Annotated[DocumentService, Depends(documents_of)]
