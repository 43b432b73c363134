"""Who asks, by request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from wiseflow.app import Application
from wiseflow.app.service import Service
from wiseflow.core.access import LOCAL, Principal


def application_of(request: Request) -> Application:
    """The application that is served."""
    application: Application = request.app.state.application
    return application


async def principal_of(_: Request) -> Principal:
    """Who asks; on a loopback address without keys, who is at this machine."""
    return LOCAL


def service_of(
    request: Request,
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> Service:
    """The program, for who asks; what logs the request is told who that is, too."""
    request.state.principal = principal
    return Service(application, principal)


Serving = Annotated[Service, Depends(service_of)]
