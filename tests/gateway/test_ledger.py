from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.conftest import LoopClock, run

from wiseflow.core.calls import Totals, Usage
from wiseflow.core.configuration import Budget
from wiseflow.core.errors import BudgetSpent, ConfigurationError
from wiseflow.gateway.ledger import KEPT_FOR_CLOSING, Ledger


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 0.4), st.floats(0, 1), st.booleans(), st.booleans(), st.booleans()
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_budget_is_never_exceeded_and_nothing_of_it_is_lost(attempts):
    async def body():
        ledger = Ledger(Budget(money=1.0), LoopClock())
        spent = 0.0

        async def attempt(worst, share, closing, fails, leaves):
            nonlocal spent
            reserved = await ledger.reserve(Usage(cost=worst), closing=closing)
            try:
                await asyncio.sleep(worst)
                spent += worst * share
                assert spent <= 1.0 + 1e-6
                reserved.settle(Usage(cost=worst * share), answered=not fails)
            finally:
                reserved.settle(Usage(cost=0.0), answered=False)
            del leaves

        tasks = [asyncio.ensure_future(attempt(*one)) for one in attempts]
        await asyncio.sleep(0.01)
        for task, one in zip(tasks, attempts, strict=True):
            if one[4]:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        kinds = (BudgetSpent, asyncio.CancelledError)
        assert all(result is None or isinstance(result, kinds) for result in results)
        assert ledger.totals.cost == pytest.approx(spent)
        # All that was set aside came back: what is left can be spent to the end.
        left = 1.0 - spent
        if left > 0.001:
            await ledger.reserve(Usage(cost=left - 0.0005), closing=True)

    run(body())


def test_who_may_fit_once_others_are_settled_waits_for_them():
    async def body():
        ledger = Ledger(Budget(tokens=1000), LoopClock())
        first = await ledger.reserve(Usage(input_tokens=800, cost=0.0))
        second = asyncio.ensure_future(ledger.reserve(Usage(input_tokens=800, cost=0.0)))
        await asyncio.sleep(1)
        assert not second.done()

        first.settle(Usage(input_tokens=10, cost=0.0))

        (await second).settle(Usage(input_tokens=20, cost=0.0))
        assert ledger.totals == Totals(calls=2, tokens=30, cost=0.0)

    run(body())


def test_who_waits_is_told_when_it_can_never_fit():
    async def body():
        ledger = Ledger(Budget(tokens=1000), LoopClock())
        first = await ledger.reserve(Usage(input_tokens=800, cost=0.0))
        second = asyncio.ensure_future(ledger.reserve(Usage(input_tokens=800, cost=0.0)))
        await asyncio.sleep(0)

        first.settle(Usage(input_tokens=700, cost=0.0))

        with pytest.raises(BudgetSpent, match="150 of 1,000 tokens are left") as spent:
            await second
        assert spent.value.resource == "tokens"

    run(body())


@pytest.mark.parametrize(
    ("budget", "worst"),
    [(Budget(money=1.0), Usage(cost=0.9)), (Budget(tokens=100), Usage(input_tokens=90, cost=0.0))],
)
def test_a_part_is_kept_for_writing_up(budget, worst):
    async def body():
        assert 1 - KEPT_FOR_CLOSING < 0.9
        with pytest.raises(BudgetSpent):
            await Ledger(budget, LoopClock()).reserve(worst)
        await Ledger(budget, LoopClock()).reserve(worst, closing=True)

    run(body())


def test_when_its_seconds_are_nearly_over_only_writing_up_goes_on():
    async def body():
        ledger = Ledger(Budget(seconds=100), LoopClock())
        await ledger.reserve(Usage(cost=0.0))
        await asyncio.sleep(86)

        with pytest.raises(BudgetSpent) as spent:
            await ledger.reserve(Usage(cost=0.0))
        assert spent.value.resource == "seconds"
        await ledger.reserve(Usage(cost=0.0), closing=True)

    run(body())


def test_money_cannot_be_bounded_where_a_price_is_not_known():
    async def body():
        with pytest.raises(ConfigurationError, match="MODEL_FACTS"):
            await Ledger(Budget(money=1), LoopClock()).reserve(Usage(input_tokens=1))

    run(body())


def test_an_unknown_price_makes_the_cost_unknown_and_not_zero():
    async def body():
        ledger = Ledger(Budget(), LoopClock())
        reserved = await ledger.reserve(Usage(input_tokens=1))
        reserved.settle(Usage(input_tokens=1))

        assert ledger.totals == Totals(calls=1, tokens=1, cost=None)

    run(body())


def test_settling_twice_counts_once():
    async def body():
        ledger = Ledger(Budget(money=1), LoopClock())
        reserved = await ledger.reserve(Usage(cost=0.5))
        reserved.settle(Usage(cost=0.1))
        reserved.settle(Usage(cost=0.5))

        assert ledger.totals.cost == pytest.approx(0.1)

    run(body())
