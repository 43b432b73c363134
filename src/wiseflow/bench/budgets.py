"""Whether researches keep to a budget of money, by what the provider itself would charge."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from wiseflow.bench.bed import Bed, open_bed, started
from wiseflow.bench.figures import Figure
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobRequest, StopReason
from wiseflow.simulator.options import Price, SimulatorOptions
from wiseflow.simulator.world import MOST_TOPICS

BUDGET = 1.0
# US dollars for a million tokens, so that some of the researches can be paid and others cannot.
IN, OUT = 40.0, 200.0
SEARCH = 0.008  # as our list of prices has it
SIDES = 6  # numbers of queries: researches of different cost
FACTS = f"""[[model]]
provider = "*"
name = "*"
context_tokens = 32000
max_output_tokens = 4000
input_price = {IN}
output_price = {OUT}
as_of = 2026-11-21
source = "the simulator's prices"
"""
PRICES = (
    Price(provider="openai", million_in=IN, million_out=OUT),
    Price(provider="tavily", a_request=SEARCH),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """What to measure.

    Args:
        researches: each of which may spend ``BUDGET``.
    """

    researches: int = 20


async def measure_budgets(plan: BudgetPlan) -> list[Figure]:
    """Researches with a budget, one after the other, so that the simulator's log is of one."""
    spent: list[float] = []
    stopped = kept = told_less = 0
    options = SimulatorOptions(topics=MOST_TOPICS, time_scale=0.1, prices=PRICES)
    with tempfile.TemporaryDirectory() as folder:
        facts = Path(folder) / "facts.toml"
        facts.write_text(FACTS, encoding="utf-8")
        async with (
            started(options) as sim,
            open_bed(sim, Path(folder), {"MODEL_FACTS": str(facts)}) as bed,
        ):
            for number in range(plan.researches):
                sim.reset()
                ran = await bed.run([_request(bed, number)])
                spent.append(sum(one["cost"] for one in bed.log()))
                job = ran.jobs[0]
                told_less += (job.cost or 0.0) < spent[-1] - 1e-6
                if job.partial or job.stop_reason is StopReason.BUDGET:
                    stopped += 1
                    kept += await _has_report(bed, job.job_id)
    subject = f"a budget of {BUDGET:g}, {plan.researches} researches"
    return [
        Figure(subject=subject, measure="the most that was charged", value=max(spent), most=BUDGET),
        Figure(subject=subject, measure="the least that was charged", value=min(spent)),
        Figure(subject=subject, measure="cost told too low", value=told_less, most=0),
        Figure(subject=subject, measure="stopped by it", value=stopped),
        Figure(subject=subject, measure="of these with a report", value=kept, bar=stopped),
    ]


def _request(bed: Bed, number: int) -> JobRequest:
    configuration = {
        "number_of_queries": 1 + number % SIDES,
        "length": ("brief", "normal", "detailed")[number % 3],
        "budget": {"money": BUDGET},
    }
    return bed.requests(1, configuration)[0]


async def _has_report(bed: Bed, job_id: str) -> bool:
    try:
        await bed.app.report(job_id)
    except NotFound:
        return False
    return True
