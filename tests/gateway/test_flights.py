from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.conftest import Provider, answer, make_call, run

from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import BudgetSpent, ProviderDown
from wiseflow.gateway.flights import Flights, mark_sent


def test_a_hundred_equal_requests_make_one_call_and_one_of_them_pays():
    async def body():
        provider, flights = Provider([answer("same", input_tokens=5, cost=0.2)]), Flights()
        calls = [make_call(run_id=f"r{number}") for number in range(100)]

        replies = await asyncio.gather(*(flights(call, provider) for call in calls))

        assert len(provider.asked) == 1
        assert {reply.value.text for reply in replies} == {"same"}
        assert [reply.usage.cost for reply in replies] == [0.2] + [0.0] * 99
        assert flights.under_way == 0

    run(body())


def test_different_requests_are_different_calls():
    async def body():
        provider, flights = Provider(), Flights()

        await asyncio.gather(
            flights(make_call("a"), provider),
            flights(make_call("b"), provider),
            flights(make_call("a", model="other"), provider),
            flights(make_call("a", context=RunContext(run_id="p", local_only=True)), provider),
            flights(make_call("a", context=RunContext(run_id="t", tenant="acme")), provider),
            flights(make_call("a", context=RunContext(run_id="u", tenant="other")), provider),
        )

        assert len(provider.asked) == 6

    run(body())


def test_a_failure_is_told_to_all_and_the_next_call_is_a_new_one():
    async def body():
        provider, flights = Provider([ProviderDown("down", provider="openai")]), Flights()

        results = await asyncio.gather(
            *(flights(make_call(), provider) for _ in range(3)), return_exceptions=True
        )

        assert [type(result) for result in results] == [ProviderDown] * 3
        assert (await flights(make_call(), provider)).value.text == "answer 2"

    run(body())


def test_the_budget_of_who_leads_is_not_the_matter_of_who_follows():
    async def body():
        provider = Provider([BudgetSpent("spent", resource="money")])
        flights = Flights()

        led, followed = await asyncio.gather(
            flights(make_call(run_id="poor"), provider),
            flights(make_call(run_id="rich"), provider),
            return_exceptions=True,
        )

        assert isinstance(led, BudgetSpent)
        assert not isinstance(followed, BaseException)
        assert followed.value.text == "answer 2"

    run(body())


@given(st.lists(st.booleans(), min_size=2, max_size=6))
def test_whoever_is_cancelled_the_others_get_the_one_answer(cancelled):
    async def body():
        provider, flights = Provider(), Flights()
        waiting = [asyncio.ensure_future(flights(make_call(), provider)) for _ in cancelled]
        await asyncio.sleep(0.5)
        for task, gone in zip(waiting, cancelled, strict=True):
            if gone:
                task.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)

        assert len(provider.asked) == 1
        for result, gone in zip(results, cancelled, strict=True):
            assert isinstance(result, asyncio.CancelledError) == gone
        await asyncio.sleep(2)
        assert (provider.under_way, flights.under_way) == (0, 0)

    run(body())


def test_when_all_have_left_the_call_is_ended():
    async def body():
        provider, flights = Provider(takes_s=100), Flights()
        task = asyncio.ensure_future(flights(make_call(), provider))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)

        assert (provider.under_way, flights.under_way) == (0, 0)

    run(body())


@pytest.mark.parametrize("sent", [False, True])
def test_a_call_that_still_waits_for_its_turn_takes_the_priority_of_who_joins(sent):
    async def body():
        flights, seen = Flights(), []

        async def queue(call):
            seen.append(call.context.priority)
            if sent:
                mark_sent()
            await asyncio.sleep(1)
            return answer()

        low = make_call(context=RunContext(run_id="a", priority=TaskPriority.LOW))
        high = make_call(context=RunContext(run_id="b", priority=TaskPriority.CRITICAL))
        first = asyncio.ensure_future(flights(low, queue))
        await asyncio.sleep(0.5)
        await asyncio.gather(first, flights(high, queue))

        hurried = [TaskPriority.LOW, TaskPriority.CRITICAL]
        assert seen == ([TaskPriority.LOW] if sent else hurried)

    run(body())


def test_a_streamed_answer_is_for_one_reader():
    async def body():
        provider, flights = Provider(), Flights()

        await asyncio.gather(
            *(flights(make_call(on_text=lambda _: None), provider) for _ in range(2))
        )

        assert len(provider.asked) == 2

    run(body())


def test_closing_ends_what_is_under_way():
    async def body():
        provider, flights = Provider(takes_s=100), Flights()
        task = asyncio.ensure_future(flights(make_call(), provider))
        await asyncio.sleep(1)

        await flights.aclose()

        assert provider.under_way == 0
        with pytest.raises(asyncio.CancelledError):
            await task

    run(body())
