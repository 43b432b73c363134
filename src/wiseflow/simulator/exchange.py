"""One request over HTTP: read it, decide on it, send the answer, log it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from aiohttp import web

from wiseflow.simulator.calls import Call, CallKind, Ending, Incoming, Reply, digest_of
from wiseflow.simulator.log import Entry
from wiseflow.simulator.problems import Unanswerable, bad_request
from wiseflow.simulator.provider import Endpoint, Provider
from wiseflow.simulator.sending import Manner, cut, send
from wiseflow.simulator.simulation import Asked, Decision, Simulation

RUN_HEADER = "X-Wiseflow-Run"
STEP_HEADER = "X-Wiseflow-Step"
# What JSON of an unforeseen form raises where it is read.
FORMLESS = (AttributeError, KeyError, TypeError, ValueError)
UNREAD = Call(kind=CallKind.INFO)
NOTHING = Reply(status=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request, and when it came.

    Args:
        at_s: simulated seconds since the start.
        incoming: the request.
        key: of the caller.
        call: what it asks for.
    """

    at_s: float
    incoming: Incoming
    key: str
    call: Call


class Exchange:
    """Handles the requests to one path of a provider.

    Args:
        simulation: what decides.
        provider: whose path.
        endpoint: which.
    """

    def __init__(self, simulation: Simulation, provider: Provider, endpoint: Endpoint) -> None:
        self._simulation = simulation
        self._provider = provider
        self._endpoint = endpoint

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, in whatever way was decided."""
        at_s = self._simulation.clock.elapsed()
        raw = await request.read()
        arrival, decision = self._decide(request, raw, at_s)
        ended = False

        def finish() -> None:
            """Release and log, once: before the last bytes go, so that who has them sees it."""
            nonlocal ended
            if not ended:
                ended = True
                self._finish(request, arrival, decision)

        try:
            return await self._send(request, arrival, decision, finish)
        except (asyncio.CancelledError, ConnectionError):
            decision.ending, decision.reply = Ending.ABORTED, None
            raise
        finally:
            finish()

    def _decide(self, request: web.Request, raw: bytes, at_s: float) -> tuple[Arrival, Decision]:
        body: Mapping[str, Any] = {}
        call = UNREAD
        problem = None
        try:
            body = _parse(raw)
        except Unanswerable as error:
            problem = error.problem
        incoming = Incoming(
            body=body,
            query=request.query,
            headers=request.headers,
            parts=request.match_info,
            digest=digest_of(request.method.encode(), request.path_qs.encode(), raw),
            size=len(raw),
        )
        if problem is None:
            try:
                call = self._endpoint.read(incoming)
            except Unanswerable as error:
                problem = error.problem
            except FORMLESS as error:
                problem = bad_request(f"Invalid request ({error})").problem
        arrival = Arrival(at_s=at_s, incoming=incoming, key=_key(incoming), call=call)
        if problem is not None:
            return arrival, self._simulation.refuse(self._provider, problem)
        asked = Asked(
            provider=self._provider,
            endpoint=self._endpoint,
            call=call,
            incoming=incoming,
            key=arrival.key,
        )
        return arrival, self._simulation.decide(asked, at_s)

    async def _send(
        self, request: web.Request, arrival: Arrival, decision: Decision, finish: Callable[[], None]
    ) -> web.StreamResponse:
        clock = self._simulation.clock
        due_s = arrival.at_s + decision.wait_s
        if decision.reply is None:
            await clock.sleep(due_s - clock.elapsed())
            return cut(request)
        reply = decision.reply
        if decision.headers:
            reply = replace(reply, headers={**reply.headers, **decision.headers})
        manner = Manner(
            due_s=due_s,
            fault=decision.fault,
            slow_s=self._simulation.faults.plan.slow_s,
            finish=finish,
        )
        return await send(request, reply, manner, clock)

    def _finish(self, request: web.Request, arrival: Arrival, decision: Decision) -> None:
        if decision.admission is not None:
            decision.admission.release()
        log, reply = self._simulation.log, decision.reply or NOTHING
        log.add(
            Entry(
                number=len(log) + 1,
                arrived_s=arrival.at_s,
                ended_s=self._simulation.clock.elapsed(),
                provider=self._provider.name,
                endpoint=self._endpoint.path,
                kind=arrival.call.kind,
                ending=decision.ending,
                status=reply.status,
                fault=decision.fault or "",
                key=arrival.key,
                model=arrival.call.model,
                tokens_in=reply.tokens_in,
                tokens_out=reply.tokens_out,
                bytes_in=arrival.incoming.size,
                bytes_out=reply.size,
                cost=decision.cost,
                run=request.headers.get(RUN_HEADER, ""),
                step=request.headers.get(STEP_HEADER, ""),
                digest=arrival.incoming.digest,
            )
        )


def _parse(raw: bytes) -> Mapping[str, Any]:
    """The JSON object of a body.

    Raises:
        Unanswerable: it is none.
    """
    if not raw:
        return {}
    try:
        value: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(value, dict):
        raise bad_request("The body of your request is not a JSON object")
    return cast("Mapping[str, Any]", value)


def _key(incoming: Incoming) -> str:
    """The caller's key, wherever it is: each provider has its own place for it."""
    headers = incoming.headers
    bearer = headers.get("Authorization", "") or headers.get("Crossref-Plus-API-Token", "")
    return (
        bearer.removeprefix("Bearer ").strip()
        or headers.get("x-api-key", "")
        or str(incoming.body.get("api_key", ""))
        or incoming.query.get("api_key", "")
    )
