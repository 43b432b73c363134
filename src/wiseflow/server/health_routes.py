"""Whether the program lives, and can work. Anybody may ask, so nothing else is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from wiseflow.app.health import ComponentHealth, Health, HealthReport, HealthStatus
from wiseflow.core.version import VERSION
from wiseflow.server.problems import problem, problems
from wiseflow.server.scopes import PUBLIC

router = APIRouter(prefix="/health", tags=["health"], dependencies=[PUBLIC])


class ComponentAnswer(BaseModel):
    """How a part is."""

    model_config = ConfigDict(from_attributes=True)

    status: HealthStatus
    latency_ms: float | None

    @classmethod
    def of(cls, part: ComponentHealth) -> ComponentAnswer:
        """The answer that tells of a part."""
        latency = part.latency_ms
        return cls(status=part.status, latency_ms=None if latency is None else round(latency, 3))


class ComponentsAnswer(BaseModel):
    """How the parts are."""

    database: ComponentAnswer
    cache: ComponentAnswer
    llm_api: ComponentAnswer


class MetricsAnswer(BaseModel):
    """What is going on."""

    active_research_tasks: int
    pending_research_tasks: int
    memory_usage_mb: float
    cpu_usage_percent: float


class HealthAnswer(BaseModel):
    """How the program is; `uptime` is in seconds."""

    status: HealthStatus
    version: str
    uptime: float
    components: ComponentsAnswer
    metrics: MetricsAnswer

    @classmethod
    def of(cls, report: HealthReport) -> HealthAnswer:
        """The answer that tells a report."""
        return cls(
            status=report.status,
            version=VERSION,
            uptime=round(report.uptime_s, 3),
            components=ComponentsAnswer(
                database=ComponentAnswer.of(report.database),
                cache=ComponentAnswer.of(report.cache),
                llm_api=ComponentAnswer.of(report.llm_api),
            ),
            metrics=MetricsAnswer(
                active_research_tasks=report.active,
                pending_research_tasks=report.pending,
                memory_usage_mb=round(report.memory_mb, 1),
                cpu_usage_percent=report.cpu_percent,
            ),
        )


class Alive(BaseModel):
    """That it is so."""

    status: HealthStatus


async def health_of(request: Request) -> Health:
    """What looks how the program is."""
    health: Health = request.app.state.health
    return health


HealthOf = Annotated[Health, Depends(health_of)]


@router.get("", responses={503: {"model": HealthAnswer, "description": "The database failed."}})
async def get_health(health: HealthOf, response: Response) -> HealthAnswer:
    """How the program and its parts are."""
    report = await health.report()
    if report.status is HealthStatus.FAILED:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return HealthAnswer.of(report)


@router.get("/live")
async def get_live() -> Alive:
    """That the process answers."""
    return Alive(status=HealthStatus.OK)


@router.get("/ready", response_model=Alive, responses=problems(503))
async def get_ready(health: HealthOf) -> Alive | Response:
    """That requests can be served: the database answers, and nobody has asked for the end."""
    if await health.ready():
        return Alive(status=HealthStatus.OK)
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "requests cannot be served now")


@router.get("/startup")
async def get_startup() -> Alive:
    """That the start is over: connections are accepted only after it."""
    return Alive(status=HealthStatus.OK)
