"""What each mode costs, how long it takes, and what its depth buys."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wiseflow.bench.bed import Bed, Ran, open_bed, started
from wiseflow.bench.bounds import calls_in_a_row, lower_bound, path_of
from wiseflow.bench.figures import Figure, mean_figure, spread_figure
from wiseflow.bench.mishaps import NO_LIMITS, QUICK
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Job
from wiseflow.core.report import Report, Verdict
from wiseflow.research.rendering.reading import all_claims
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.faults import FaultPlan, mixture
from wiseflow.simulator.latency import Latency
from wiseflow.simulator.options import Price, SimulatorOptions
from wiseflow.simulator.world import Fact, Question, World

TOPICS = 200
# A mode of each depth may make so many model calls in a row, at the depth that is usual.
MOST_IN_A_ROW = {ResearchMode.LINEAR: 4, ResearchMode.GRAPH: 7, ResearchMode.MULTI_AGENT: 8}
USUAL_DEPTH, DEEP = 2, 4
HOPS = (1, 2, 3, 4)
# Graph answers more of the questions of three and four hops than linear, by so many points.
LEAST_GAIN = 20.0
WALL_HOPS = 3  # more than the usual depth finds, so that every step of a mode is taken
FEW_FAULTS = 0.05
OPTIONS = SimulatorOptions(topics=TOPICS, links=True, prices=(Price(a_request=0.001),))
AT_ONCE = {kind: Latency(mean_s=0.0) for kind in CallKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModePlan:
    """What to measure.

    Args:
        questions: of each number of hops, in each mode.
        rounds: how often the walls are measured.
        few: how many researches run side by side then.
        faulty: how many researches run while 5 % of all requests meet a fault; 0 leaves it out.
    """

    questions: int = 25
    rounds: int = 3
    few: int = 10
    faulty: int = 100


async def measure_depth(plan: ModePlan) -> list[Figure]:
    """The share of questions that is answered and rightly cited, by hops and mode."""
    world = World(OPTIONS.seed, topics=TOPICS, links=True)
    right: dict[tuple[ResearchMode, int], list[float]] = {}
    figures: list[Figure] = []
    for mode in ResearchMode:
        for hops in HOPS:
            asked = [world.chain(number, hops) for number in range(plan.questions)]
            async with _bed(replace(OPTIONS, latencies=AT_ONCE), asked) as bed:
                ran = await bed.run(bed.requests(len(asked), _configured(mode, DEEP)))
                reports = await reports_of(bed, ran.jobs)
                calls = len(bed.log()) / len(asked)
            answers = {question.text: question.facts[-1] for question in asked}
            right[mode, hops] = [100.0 * _is_right(one, answers[one.topic]) for one in reports]
            right[mode, hops] += [0.0] * (len(asked) - len(reports))
            subject = f"{mode}, {hops} hops"
            figures += [
                mean_figure(subject, "answered and rightly cited, %", right[mode, hops]),
                Figure(subject=subject, measure="requests a research", value=calls),
                mean_figure(
                    subject, "model and search calls", [one.facts.calls for one in reports]
                ),
            ]
    return [*figures, _gain(right)]


async def measure_mode_walls(plan: ModePlan) -> list[Figure]:
    """One research and a few side by side in each mode, against what they depend on."""
    world = World(OPTIONS.seed, topics=TOPICS, links=True)
    questions = [world.chain(number, WALL_HOPS) for number in range(plan.rounds * (plan.few + 2))]
    figures: list[Figure] = []
    for mode in ResearchMode:
        async with _bed(OPTIONS, questions) as bed:
            configuration = _configured(mode, USUAL_DEPTH)
            await bed.run(bed.requests(1, configuration))
            ones: list[Ran] = []
            rows: list[float] = []
            shares: list[float] = []
            for _ in range(plan.rounds):
                bed.sim.reset()
                ones.append(await bed.run(bed.requests(1, configuration)))
                rows.append(calls_in_a_row(bed.log(), "model"))
                bed.sim.reset()
                ran = await bed.run(bed.requests(plan.few, configuration))
                path = path_of(mode, int(statistics.median(rows)))
                shares.append(ran.wall_s / lower_bound(bed.log(), path))
            reports = await reports_of(bed, [job for one in ones for job in one.jobs])
        subject, several = str(mode), f"{mode}, {plan.few} at once"
        walls = [one.wall_s for one in ones]
        figures += [
            spread_figure(subject, "seconds, median [least – most]", walls),
            mean_figure(subject, "seconds, mean", walls),
            spread_figure(subject, "model calls in a row", rows, most=MOST_IN_A_ROW[mode]),
            _calls(subject, reports),
            mean_figure(subject, "tokens", [one.facts.tokens for one in reports]),
            spread_figure(several, "wall ÷ lower bound", shares, most=1.05),
        ]
    return figures


async def measure_mode_faults(plan: ModePlan) -> list[Figure]:
    """Researches of each mode while 5 % of all requests meet a fault of some kind."""
    world = World(OPTIONS.seed, topics=TOPICS, links=True)
    questions = [world.chain(number, WALL_HOPS) for number in range(plan.faulty)]
    figures: list[Figure] = []
    for mode in ResearchMode if plan.faulty else ():
        async with _bed(replace(OPTIONS, time_scale=0.5), questions) as bed:
            bed.sim.set_faults(FaultPlan(rates=mixture(FEW_FAULTS)))
            ran = await bed.run(bed.requests(plan.faulty, _configured(mode, USUAL_DEPTH)))
            reports = await reports_of(bed, ran.jobs)
        subject = f"{mode}, {plan.faulty} researches, {FEW_FAULTS:.0%} faults"
        wrongly = sum(bool(one.facts.lost) != one.facts.partial for one in reports)
        figures += [
            Figure(subject=subject, measure="finished whole", value=ran.whole, bar=plan.faulty),
            Figure(subject=subject, measure="losses without a label", value=wrongly, most=0),
        ]
    return figures


@asynccontextmanager
async def _bed(options: SimulatorOptions, asked: Sequence[Question]) -> AsyncGenerator[Bed]:
    with tempfile.TemporaryDirectory() as folder:
        async with started(options) as sim:
            texts = [question.text for question in asked]
            async with open_bed(sim, Path(folder), {**QUICK, **NO_LIMITS}, asked=texts) as bed:
                yield bed


def _configured(mode: ResearchMode, depth: int) -> Mapping[str, object]:
    return {"research_mode": mode.value, "max_search_depth": depth}


async def reports_of(bed: Bed, jobs: Sequence[Job]) -> list[Report]:
    """The reports of those researches that have one."""
    found: list[Report] = []
    for job in jobs:
        try:
            found.append(await bed.app.report(job.job_id))
        except NotFound:  # it has failed, which is counted
            continue
    return found


def _calls(subject: str, reports: Sequence[Report]) -> Figure:
    return mean_figure(subject, "model and search calls", [one.facts.calls for one in reports])


def _is_right(report: Report, fact: Fact) -> bool:
    """Whether a claim states the fact, and a supported citation of it quotes that."""
    return any(
        _states(claim.text, fact)
        and any(
            one.verdict is Verdict.SUPPORTED and _states(one.quote, fact) for one in claim.citations
        )
        for claim in all_claims(report)
    )


def _states(text: str, fact: Fact) -> bool:
    return all(part in text for part in (fact.entity, fact.relation.noun, fact.value))


def _gain(right: Mapping[tuple[ResearchMode, int], Sequence[float]]) -> Figure:
    """What graph answers of three and four hops more than linear, in points."""

    def share(mode: ResearchMode) -> float:
        return statistics.fmean(one for hops in HOPS[2:] for one in right[mode, hops])

    return Figure(
        subject="graph − linear",
        measure="answered of 3 and 4 hops, points",
        value=share(ResearchMode.GRAPH) - share(ResearchMode.LINEAR),
        bar=LEAST_GAIN,
    )
