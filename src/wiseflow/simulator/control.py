"""Paths by which a simulator in a process of its own is read and set.

::

    GET  /_simulator/log      the log, one JSON object a request and line
    GET  /_simulator/stats    figures by provider and key; ?window_s=60
    GET  /_simulator/world    topics and facts
    POST /_simulator/faults   a FaultPlan as JSON, or {"mixture": 0.05}
    POST /_simulator/limits   a list of Limits as JSON
    POST /_simulator/reset    forget the log, and begin limits and faults anew
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import encode
from wiseflow.simulator.faults import FaultPlan, mixture
from wiseflow.simulator.limits import Limit, Limits
from wiseflow.simulator.log import WINDOW_S
from wiseflow.simulator.simulation import Simulation
from wiseflow.simulator.world import World

PREFIX = "/_simulator"
_PLAN = TypeAdapter(FaultPlan)
_LIMITS = TypeAdapter(tuple[Limit, ...])


class Control:
    """Handlers of the control paths.

    Args:
        simulation: what they read and set.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def log(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        """The log as JSON Lines."""
        return web.Response(text=self._simulation.log.lines(), content_type="application/jsonl")

    async def stats(self, request: web.Request) -> web.Response:
        """Figures by provider and key."""
        try:
            window_s = float(request.query.get("window_s", WINDOW_S))
        except ValueError:
            return _wrong("window_s is not a number")
        found = self._simulation.log.stats(window_s)
        return _json([dataclasses.asdict(one) for one in found])

    async def world(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        """Topics and facts."""
        return _json(world_fields(self._simulation.shop.world))

    async def faults(self, request: web.Request) -> web.Response:
        """Set what goes wrong."""
        try:
            plan = parse_plan(await request.read())
        except InvalidInput as error:
            return _wrong(str(error))
        self._simulation.set_faults(plan)
        return _json({"ok": True})

    async def limits(self, request: web.Request) -> web.Response:
        """Set the limits."""
        try:
            limits = parse_limits(await request.read())
        except InvalidInput as error:
            return _wrong(str(error))
        self._simulation.limits = Limits(limits)
        return _json({"ok": True})

    async def reset(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        """Begin anew."""
        self._simulation.reset()
        return _json({"ok": True})


def control_routes(simulation: Simulation) -> Sequence[web.RouteDef]:
    """The control paths."""
    control = Control(simulation)
    return [
        web.get(f"{PREFIX}/log", control.log),
        web.get(f"{PREFIX}/stats", control.stats),
        web.get(f"{PREFIX}/world", control.world),
        web.post(f"{PREFIX}/faults", control.faults),
        web.post(f"{PREFIX}/limits", control.limits),
        web.post(f"{PREFIX}/reset", control.reset),
    ]


def parse_plan(text: bytes | str) -> FaultPlan:
    """A plan from JSON.

    Raises:
        InvalidInput: it is none.
    """
    shared = TypeAdapter(dict[str, Any])
    try:
        fields = shared.validate_json(text)
        rate = fields.pop("mixture", 0.0)
        plan = _PLAN.validate_python(fields)
        return dataclasses.replace(plan, rates=(*plan.rates, *mixture(float(rate))))
    except (ValidationError, TypeError, ValueError) as error:
        raise _not_of_form("plan of faults", error) from error


def parse_limits(text: bytes | str) -> tuple[Limit, ...]:
    """Limits from JSON.

    Raises:
        InvalidInput: they are none.
    """
    try:
        return _LIMITS.validate_json(text)
    except ValidationError as error:
        raise _not_of_form("list of limits", error) from error


def world_fields(world: World) -> list[dict[str, Any]]:
    """A world as JSON would hold it."""
    return [
        {
            "topic": topic.name,
            "facts": [
                {
                    "id": fact.fact_id,
                    "attribute": fact.attribute,
                    "entity": fact.entity,
                    "relation": fact.relation.noun,
                    "value": fact.value,
                }
                for fact in topic.facts
            ],
        }
        for topic in world.topics
    ]


def _not_of_form(what: str, error: Exception) -> InvalidInput:
    reason = str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return InvalidInput(
        f"this is no {what} ({reason})", cure="docs/how-to/simulate.md has the form"
    )


def _json(value: object) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


def _wrong(message: str) -> web.Response:
    return web.Response(
        body=encode({"error": message}), status=422, content_type="application/json"
    )
