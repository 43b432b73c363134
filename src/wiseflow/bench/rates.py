"""How much of an allowed rate is used, and what that costs in refusals, by how it is known."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wiseflow.app.outside import open_outside
from wiseflow.bench.bed import MODEL, bed_settings, open_bed, started
from wiseflow.bench.bounds import admitted_times, most_in_window, refusals
from wiseflow.bench.figures import Figure
from wiseflow.bench.streams import question, stream
from wiseflow.core.calls import RunContext
from wiseflow.core.clock import SystemClock
from wiseflow.limits.door import Limiter
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.limits import Dimension, Limit, Window
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.world import MOST_TOPICS

MINUTE_S = 60.0
RESEARCHES = 20  # they make 120 calls to models
# The last answers of the minutes that count, and what is late.
MORE_S = 3.0
MOST_FOUND = 3  # refusals that it may take to find a limit
APART_S = 6.0  # between the starts of streams, so that their bursts do not meet


class Known(StrEnum):
    """How the limit is known."""

    SET = "set"
    TOLD = "told in headers"
    UNKNOWN = "to be found"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePlan:
    """What to measure.

    Args:
        minutes: how long each stream of calls lasts; the clock is the real one, as limits are
            by the minute.
        rpm: requests a minute that the simulator allows.
        researches: how many are run under the same limit; 0 leaves them out.
        windows: how the simulator counts.
        known: how the limit is known.
    """

    minutes: float = 3
    rpm: int = 60
    researches: int = RESEARCHES
    windows: tuple[Window, ...] = tuple(Window)
    known: tuple[Known, ...] = tuple(Known)


async def measure_rates(plan: RatePlan) -> list[Figure]:
    """All windows and all ways to know, the streams at once: they wait nearly all the time."""
    cases = [(window, known) for window in plan.windows for known in plan.known]
    async with asyncio.TaskGroup() as group:
        streams = [
            group.create_task(_stream(plan, window, known, number * APART_S), name="stream")
            for number, (window, known) in enumerate(cases)
        ]
    figures = [figure for one in streams for figure in one.result()]
    if plan.researches:
        for known in plan.known:
            figures += await _researches(plan, known)
    return figures


def options(plan: RatePlan, window: Window, known: Known) -> SimulatorOptions:
    """A simulator whose models have the limit, in that way."""
    limit = Limit(
        dimension=Dimension.REQUESTS,
        amount=plan.rpm,
        window_s=MINUTE_S,
        window=window,
        provider="openai",
    )
    return SimulatorOptions(topics=MOST_TOPICS, limits=(limit,), rate_headers=known is Known.TOLD)


def settings_of(plan: RatePlan, known: Known) -> Mapping[str, str]:
    """The settings by which the limit is known, if it is."""
    rate = {"RATE_LIMITS": f"llm: requests_per_minute={plan.rpm}"}
    return rate if known is Known.SET else {}


async def _stream(plan: RatePlan, window: Window, known: Known, after_s: float) -> list[Figure]:
    seconds = plan.minutes * MINUTE_S
    with tempfile.TemporaryDirectory() as folder:
        async with started(options(plan, window, known)) as sim:
            given = {**bed_settings(sim, Path(folder)), **settings_of(plan, known)}
            clock = SystemClock()
            async with open_outside(
                load_settings(environ=given), clock, Limiter(clock=clock)
            ) as outside:
                await outside.models.complete(
                    question("warm-up"),
                    model=f"llm:{MODEL}",
                    context=RunContext(run_id="warm-up"),
                    step="warm-up",
                )
                await asyncio.sleep(after_s)
                await stream(outside, seconds=seconds + MORE_S, width=plan.rpm + 10)
            log = await asyncio.to_thread(sim.log)
    times = admitted_times(log, "openai")
    subject = f"{window} window, {known}"
    return [
        used_share(subject, times, plan, bar=0.98),
        _refused(subject, refusals(log), known),
        Figure(
            subject=subject,
            measure="most admitted in a minute",
            value=most_in_window(times, MINUTE_S),
        ),
    ]


def used_share(subject: str, times: Sequence[float], plan: RatePlan, *, bar: float) -> Figure:
    """How much of what the limit allows was used.

    Args:
        subject: of the figure.
        times: when calls were admitted, in order, in seconds.
        plan: the limit, and for how long it was used.
        bar: the least share.
    """
    within = sum(at < times[0] + plan.minutes * MINUTE_S for at in times)
    return Figure(
        subject=subject,
        measure=f"share of {plan.rpm} a minute",
        value=within / (plan.rpm * plan.minutes),
        samples=within,
        bar=bar,
    )


def _refused(subject: str, count: int, known: Known) -> Figure:
    most = MOST_FOUND if known is Known.UNKNOWN else 0
    return Figure(subject=subject, measure="429s provoked", value=count, most=most)


async def _researches(plan: RatePlan, known: Known) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            started(options(plan, Window.SLIDING, known)) as sim,
            open_bed(sim, Path(folder), settings_of(plan, known)) as bed,
        ):
            ran = await bed.run(bed.requests(plan.researches))
            log = await asyncio.to_thread(bed.log)
    subject = f"{plan.researches} researches, {known}"
    times = admitted_times(log, "openai")
    least_s = (len(times) - 1) // plan.rpm * MINUTE_S
    return [
        Figure(subject=subject, measure="whole", value=ran.whole, bar=plan.researches),
        _refused(subject, refusals(log), known),
        Figure(subject=subject, measure="calls to the model", value=len(times)),
        Figure(subject=subject, measure="wall, s", value=ran.wall_s),
        Figure(subject=subject, measure="seconds that the limit alone takes", value=least_s),
    ]
