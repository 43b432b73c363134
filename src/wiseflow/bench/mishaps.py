"""What becomes of researches when providers fail, die, or refuse a key, and when money is short."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wiseflow.bench.bed import MODEL, MODEL_KEY, NOTHING, Bed, Ran, open_bed, started
from wiseflow.bench.bounds import Entry
from wiseflow.bench.figures import Figure
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Job
from wiseflow.core.report import Report
from wiseflow.limits.retries import RESERVE, SHARE
from wiseflow.simulator.faults import FaultPlan, KeyEnd, Outage, mixture
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.world import MOST_TOPICS

FEW = 0.05  # of requests: so many faults must cost nothing
SCALE = 0.5  # real seconds a simulated one takes
DEAD_S, DIES_S = 60.0, 3.0  # simulated
STAND_IN = "anthropic:sim-small"
FALLBACKS = {
    "MODEL_FALLBACKS": f"llm:{MODEL}: {STAND_IN}",
    "ANTHROPIC_API_KEY": "bench-anthropic-key",
}
NO_FALLBACKS = {"SEARCH_API_FALLBACKS": ""}
# Waits are for real providers; the simulated ones are faster.
QUICK = {"RETRY_DELAY": "1"}
# A 429 that comes by chance tells nothing of a limit, where the limit is known.
NO_LIMITS = {
    "RATE_LIMITS": "llm: requests_per_minute=1000000; anthropic: requests_per_minute=1000000"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MishapPlan:
    """What to measure.

    Args:
        researches: in each measurement.
        rates: shares of requests that meet a fault.
    """

    researches: int = 20
    rates: tuple[float, ...] = (0.05, 0.2)


async def measure_faults(plan: MishapPlan) -> list[Figure]:
    """Researches while a share of all requests meets a fault of some kind."""
    figures: list[Figure] = []
    for rate in plan.rates:
        async with _bed(FALLBACKS) as bed:
            bed.sim.set_faults(FaultPlan(rates=mixture(rate)))
            ran = await bed.run(bed.requests(plan.researches))
            log = bed.log()
            reports = await _reports(bed, ran)
        subject = f"{rate:.0%} faults, {plan.researches} researches"
        figures += [
            *_ended(subject, ran, reports, whole=rate <= FEW),
            Figure(
                subject=subject,
                measure="requests that met a fault",
                value=sum(bool(one["fault"]) for one in log),
                samples=len(log),
            ),
            *_retries(subject, log),
        ]
    return figures


async def measure_outages(plan: MishapPlan) -> list[Figure]:
    """A provider that is dead for a minute, and a key that expires, in the middle."""
    outage = FaultPlan(
        outages=tuple(
            Outage(provider=name, start_s=DIES_S, end_s=DIES_S + DEAD_S)
            for name in ("tavily", "openai")
        )
    )
    expiry = FaultPlan(
        key_ends=(KeyEnd(key=MODEL_KEY, provider="openai", after_requests=plan.researches * 2),)
    )
    figures: list[Figure] = []
    for name, faults, settings in (
        ("dead for 60 s, stand-ins", outage, FALLBACKS),
        ("dead for 60 s, nobody stands in", outage, NO_FALLBACKS),
        ("a key expires, a stand-in", expiry, FALLBACKS),
    ):
        async with _bed(settings) as bed:
            bed.sim.set_faults(faults)
            ran = await bed.run(bed.requests(plan.researches))
            reports = await _reports(bed, ran)
        figures += _ended(name, ran, reports, whole=False)
        figures.append(Figure(subject=name, measure="wall, s", value=ran.wall_s))
    return figures


@asynccontextmanager
async def _bed(settings: Mapping[str, str] = NOTHING) -> AsyncGenerator[Bed]:
    options = SimulatorOptions(topics=MOST_TOPICS, time_scale=SCALE)
    with tempfile.TemporaryDirectory() as folder:
        async with started(options) as sim:
            given = {"ANTHROPIC_API_BASE": sim.url("anthropic"), **QUICK, **NO_LIMITS, **settings}
            async with open_bed(sim, Path(folder), given) as bed:
                await bed.run(bed.requests(1))
                sim.reset()
                yield bed


async def _reports(bed: Bed, ran: Ran) -> list[Report]:
    found: list[Report] = []
    for job in ran.jobs:
        try:
            found.append(await bed.app.report(job.job_id))
        except NotFound:  # it has failed, which is counted
            continue
    return found


def _ended(subject: str, ran: Ran, reports: list[Report], *, whole: bool) -> list[Figure]:
    count = len(ran.jobs)
    wrongly = sum(bool(one.facts.lost) != one.facts.partial for one in reports)
    return [
        Figure(subject=subject, measure="finished", value=ran.finished, bar=count),
        Figure(
            subject=subject, measure="finished whole", value=ran.whole, bar=count if whole else None
        ),
        Figure(subject=subject, measure="losses without a label", value=wrongly, most=0),
        Figure(
            subject=subject,
            measure="failed without a reason",
            value=sum(_is_silent(job) for job in ran.jobs),
            most=0,
        ),
    ]


def _is_silent(job: Job) -> bool:
    return job.status.value == "failed" and not job.error


def _retries(subject: str, log: Iterable[Entry]) -> list[Figure]:
    """Requests that were sent again, by whom the budget is for; the worst of all."""
    calls: Counter[str] = Counter()
    again: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for one in log:
        provider, digest = one["provider"], one["digest"]
        calls[provider] += 1
        again[provider] += (provider, digest) in seen
        seen.add((provider, digest))
    share = max(again[name] / (RESERVE + SHARE * calls[name]) for name in calls)
    return [
        Figure(subject=subject, measure="sent again", value=again.total(), samples=calls.total()),
        Figure(subject=subject, measure="sent again ÷ budget of retries", value=share, most=1.0),
    ]
