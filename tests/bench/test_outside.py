"""The benchmarks over the simulator, each as small as it goes."""

import pytest

from wiseflow.bench.budgets import BudgetPlan, measure_budgets
from wiseflow.bench.gateway_cost import CostPlan, measure_gateway_cost
from wiseflow.bench.mishaps import MishapPlan, measure_faults
from wiseflow.bench.rates import Known, RatePlan, measure_rates
from wiseflow.bench.sharing import SharePlan, measure_sharing
from wiseflow.bench.walls import WallPlan, measure_walls
from wiseflow.simulator.limits import Window

pytestmark = pytest.mark.slow


def by_measure(figures):
    return {figure.measure: figure for figure in figures}


async def test_researches_are_measured_against_the_least_they_can_take():
    figures = await measure_walls(WallPlan(rounds=1, few=2, many=2, others=2, scale=0.03))

    told = {(figure.subject, figure.measure): figure for figure in figures}
    assert told["1 research", "model calls in a row"].value >= 3
    assert told["2 researches", "wall ÷ lower bound"].value > 1
    assert told["2 researches", "not finished"].holds
    assert told["a critical one among 2", "wall ÷ alone"].most == 1.2


async def test_a_gateway_call_is_measured_against_the_adapters_own():
    told = by_measure(await measure_gateway_cost(CostPlan(calls=10, rounds=1)))

    assert told["CPU ÷ the bare adapter's"].value > 0.5


async def test_faults_leave_no_loss_without_a_label():
    told = by_measure(await measure_faults(MishapPlan(researches=1, rates=(0.05,))))

    assert told["finished"].holds
    assert told["losses without a label"].holds


async def test_no_research_is_charged_more_than_its_budget():
    told = by_measure(await measure_budgets(BudgetPlan(researches=1)))

    assert told["the most that was charged"].holds
    assert told["cost told too low"].holds


async def test_a_limit_that_is_set_is_used_and_never_passed():
    plan = RatePlan(
        minutes=0.05, rpm=30, researches=0, windows=(Window.SLIDING,), known=(Known.SET,)
    )

    told = by_measure(await measure_rates(plan))

    assert told["429s provoked"].value == 0
    assert told["most admitted in a minute"].value == 30


async def test_processes_that_share_a_limit_never_pass_it_together():
    told = by_measure(await measure_sharing(SharePlan(minutes=0.05, rpm=30)))

    assert told["most in a minute"].holds
