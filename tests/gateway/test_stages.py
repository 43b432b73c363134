from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from tests.gateway.conftest import LoopClock, Provider, answer, make_call, run

from wiseflow.core.asking import ChatAnswer, FetchRequest
from wiseflow.core.calls import CallKind, RunContext, Usage
from wiseflow.core.configuration import Budget
from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    BudgetSpent,
    CallTimeout,
    CircuitOpen,
    ConfigurationError,
    ContextTooLong,
    InvalidInput,
    MalformedOutput,
    ModelMissing,
    NetworkFailed,
    ProviderDown,
    RateLimited,
)
from wiseflow.core.jobs import Lease
from wiseflow.core.news import OutageOver
from wiseflow.gateway.budgeting import Budgeting
from wiseflow.gateway.chain import chain, digest
from wiseflow.gateway.fallback import Fallback, Target
from wiseflow.gateway.fronts import split_model
from wiseflow.gateway.journalling import PREFIX, Spent, journal
from wiseflow.gateway.ledger import Ledger
from wiseflow.gateway.recording import CallRecords
from wiseflow.gateway.recovering import Breaking, Retrying
from wiseflow.gateway.stand_ins import StandIns, read_stand_ins
from wiseflow.gateway.timing import within_seconds
from wiseflow.jobs.journal import StepJournal
from wiseflow.limits.recovery import SmartErrorRecovery
from wiseflow.limits.retries import RetryPolicy

LEASE = Lease(job_id="r", owner="w", token=1)


class Steps:
    """Keeps steps in memory."""

    def __init__(self):
        self.kept = {}

    async def steps(self, job_id):
        return dict(self.kept)

    async def record(self, lease, step_key, result, *, news=None):
        self.kept[step_key] = result


def journalled(steps):
    return RunContext(run_id="r", journal=StepJournal(steps, LEASE, steps.kept))


def test_stages_are_passed_in_their_order():
    async def body():
        order = []

        def stage(name):
            async def through(call, send):
                order.append(name)
                return await send(call)

            return through

        send = chain([stage("first"), stage("second")], Provider())
        await send(make_call())

        assert order == ["first", "second"]

    run(body())


def test_an_answer_that_is_journalled_is_not_asked_for_again_also_by_the_next_attempt():
    async def body():
        steps, provider = Steps(), Provider([answer("once", input_tokens=3, cost=0.1)])
        await journal(make_call(context=journalled(steps)), provider)

        again = journalled(steps)
        reply = await journal(make_call(context=again), provider)

        assert len(provider.asked) == 1
        assert reply.value == ChatAnswer(text="once", model="m")
        assert again.journal is not None
        assert again.journal.kept(PREFIX, Spent) == [Spent(usage=Usage(input_tokens=3, cost=0.1))]

    run(body())


def test_a_changed_prompt_or_another_step_is_asked_anew():
    async def body():
        context, provider = journalled(Steps()), Provider()

        await journal(make_call("a", context=context), provider)
        await journal(make_call("b", context=context), provider)
        await journal(make_call("a", context=context, step="summary"), provider)

        assert len(provider.asked) == 3

    run(body())


def test_a_failure_is_not_journalled():
    async def body():
        context = journalled(Steps())
        provider = Provider([ProviderDown("down", provider="openai")])

        with pytest.raises(ProviderDown):
            await journal(make_call(context=context), provider)

        assert (await journal(make_call(context=context), provider)).value.text == "answer 2"

    run(body())


def test_the_hash_of_a_request_is_of_all_that_changes_the_answer():
    hashes = {
        digest(make_call()),
        digest(make_call("other")),
        digest(make_call(provider="ollama")),
        digest(make_call(model="n")),
    }

    assert len(hashes) == 4
    assert digest(make_call(run_id="x", step="y")) == digest(make_call())


class Prices:
    def cost(self, call, used):
        return used.tokens / 100


@pytest.mark.parametrize(
    ("error", "cost"),
    [
        (RateLimited("busy"), 0.0),
        (AuthFailed("no"), 0.0),
        (CallTimeout("slow"), 0.2),
        (NetworkFailed("broken"), 0.2),
    ],
)
def test_an_attempt_that_may_have_been_paid_counts_at_its_worst(error, cost):
    async def body():
        ledger = Ledger(Budget(money=1), LoopClock())
        call = make_call(context=RunContext(run_id="r", spending=ledger))

        with pytest.raises(type(error)):
            await Budgeting(Prices())(call, Provider([error]))

        assert ledger.totals.cost == pytest.approx(cost)
        assert ledger.totals.calls == 0

    run(body())


def test_a_cancelled_attempt_counts_at_its_worst():
    async def body():
        ledger = Ledger(Budget(money=1), LoopClock())
        call = make_call(context=RunContext(run_id="r", spending=ledger))
        task = asyncio.ensure_future(Budgeting(Prices())(call, Provider()))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert ledger.totals.cost == pytest.approx(0.2)

    run(body())


def test_the_true_use_is_priced_and_counted_and_a_price_that_is_told_holds():
    async def body():
        ledger = Ledger(Budget(money=1), LoopClock())
        call = make_call(context=RunContext(run_id="r", spending=ledger))
        provider = Provider([answer(input_tokens=5), answer(input_tokens=5, cost=0.01)])
        budgeting = Budgeting(Prices())

        first, second = await budgeting(call, provider), await budgeting(call, provider)

        assert (first.usage.cost, second.usage.cost) == (0.05, 0.01)
        assert ledger.totals.cost == pytest.approx(0.06)
        assert (await budgeting(make_call(), Provider([answer(input_tokens=1)]))).usage.cost == 0.01

    run(body())


def fallback(*names, wait_s=0.0, on_news=None):
    targets = [Target(provider=name, model="m") for name in names]
    return Fallback(lambda _: targets, LoopClock(), wait_s, SmartErrorRecovery(), on_news)


def test_a_stand_in_answers_and_the_user_is_told():
    async def body():
        told = []

        async def tell(kind, data):
            told.append((kind, data["asked"], data["answered"], data["why"]))

        provider = Provider([AuthFailed("expired", provider="openai")])
        call = make_call(context=RunContext(run_id="r", tell=tell))

        reply = await fallback("anthropic")(call, provider)

        assert reply.value.text == "answer 2"
        assert [asked.provider for asked in provider.asked] == ["openai", "anthropic"]
        assert told == [("fallback", "openai:m", "anthropic:m", "AuthFailed")]

    run(body())


def test_the_next_call_begins_with_the_first_again():
    async def body():
        provider, stage = Provider([ProviderDown("down")]), fallback("anthropic")

        await stage(make_call("a"), provider)
        await stage(make_call("b"), provider)

        assert [asked.provider for asked in provider.asked] == ["openai", "anthropic", "openai"]

    run(body())


@pytest.mark.parametrize("error", [BadRequest("bad"), ContextTooLong("long")])
def test_what_would_fail_everywhere_is_not_asked_elsewhere(error):
    async def body():
        provider = Provider([error])

        with pytest.raises(type(error)):
            await fallback("anthropic")(make_call(), provider)

        assert len(provider.asked) == 1

    run(body())


def test_a_missing_model_has_a_stand_in():
    async def body():
        reply = await fallback("other")(make_call(), Provider([ModelMissing("none")]))

        assert reply.value.text == "answer 2"

    run(body())


def test_when_nobody_answers_the_first_says_why():
    async def body():
        provider = Provider([AuthFailed("first"), RateLimited("second")])

        with pytest.raises(AuthFailed, match="first"):
            await fallback("other")(make_call(), provider)

    run(body())


def test_an_outage_is_waited_out_as_long_as_it_may():
    async def body():
        loop, provider = asyncio.get_running_loop(), Provider([ProviderDown("down")] * 6)
        begun = loop.time()

        reply = await fallback(wait_s=300)(make_call(), provider)

        assert reply.value.text == "answer 7"
        assert loop.time() - begun < 60

        provider = Provider([ProviderDown("down")] * 1000)
        begun = loop.time()
        with pytest.raises(ProviderDown):
            await fallback(wait_s=300)(make_call(), provider)
        assert 300 <= loop.time() - begun <= 303

        begun = loop.time()
        context = RunContext(run_id="r", deadline=begun + 20)
        with pytest.raises(ProviderDown):
            await fallback(wait_s=300)(make_call(context=context), provider)
        assert 20 <= loop.time() - begun <= 23

    run(body())


def test_an_outage_is_told_once_with_its_cure_and_so_is_its_end():
    async def body():
        told, waiting = [], []
        stage = fallback(wait_s=300, on_news=told.append)

        async def tell(event, data):
            waiting.append((event, data["provider"], data["step"]))

        down = ProviderDown("x at h takes no connection", provider="x", cure="Start it")
        provider = Provider([down] * 4)
        context = RunContext(run_id="r", tell=tell)
        calls = [make_call(provider="x", context=context, step=f"{n}") for n in range(2)]
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(stage(call, provider))
        await stage(calls[0], provider)

        begun, over = told
        assert (begun.provider, begun.why, begun.cure) == ("x", down.message, "Start it")
        assert 297 < begun.wait_s <= 300
        assert over == OutageOver(provider="x")
        assert waiting == [("waiting", "x", "0"), ("waiting", "x", "1")]

    run(body())


def test_a_page_that_cannot_be_had_is_not_waited_for():
    async def body():
        loop = asyncio.get_running_loop()
        page = replace(make_call(), kind=CallKind.FETCH, request=FetchRequest(url="http://h/"))
        begun = loop.time()

        with pytest.raises(NetworkFailed):
            await fallback(wait_s=300)(page, Provider([NetworkFailed("no")] * 9))

        assert loop.time() - begun < 2

    run(body())


def test_a_search_that_others_may_answer_is_not_waited_for():
    async def body():
        loop = asyncio.get_running_loop()
        call = replace(make_call(), kind=CallKind.SEARCH, patient=False)
        begun = loop.time()

        with pytest.raises(ProviderDown):
            await fallback(wait_s=300)(call, Provider([ProviderDown("down")] * 9))

        assert loop.time() - begun < 2

    run(body())


def test_what_is_no_outage_is_not_waited_for():
    async def body():
        loop = asyncio.get_running_loop()
        begun = loop.time()

        with pytest.raises(AuthFailed):
            await fallback(wait_s=300)(make_call(), Provider([AuthFailed("no")]))

        assert loop.time() - begun < 2

    run(body())


def test_stand_ins_are_read_from_the_setting():
    text = "tavily: perplexity, exa; openai:gpt-4o: anthropic:claude, ollama:x:7b;"

    assert read_stand_ins(text, "X") == {
        "tavily": ("perplexity", "exa"),
        "openai:gpt-4o": ("anthropic:claude", "ollama:x:7b"),
    }
    assert read_stand_ins("", "X") == {}
    for wrong in ("tavily", "tavily: ;", ": exa", "tavily:exa"):
        with pytest.raises(ConfigurationError, match="X has a part"):
            read_stand_ins(wrong, "X")


def test_only_what_is_set_up_stands_in():
    stand_ins = StandIns({}, {"openai:m": ("a:x", "b:y:z")}, lambda name: name == "b")

    assert stand_ins(make_call()) == [Target(provider="b", model="y:z")]
    assert stand_ins(make_call(model="other")) == []


def test_every_attempt_is_counted():
    async def body():
        heard = []
        records = CallRecords(LoopClock(), heard.append)
        provider = Provider([answer(input_tokens=3, output_tokens=4), RateLimited("busy")])

        await records(make_call(), provider)
        with pytest.raises(RateLimited):
            await records(make_call(), provider)

        totals = records.totals[CallKind.MODEL, "openai", "m"]
        assert (totals.answered, totals.failed, totals.attempts) == (1, {"RateLimited": 1}, 2)
        assert (totals.input_tokens, totals.output_tokens) == (3, 4)
        assert totals.latency_s == pytest.approx(2, abs=0.1)
        assert [record.error for record in heard] == ["", "RateLimited"]
        assert list(records.latest) == heard

    run(body())


def test_a_model_is_named_with_its_provider():
    assert split_model("ollama:llama3:8b") == ("ollama", "llama3:8b")
    for wrong in ("gpt-4", ":x", "openai:", ""):
        with pytest.raises(InvalidInput, match="provider:model"):
            split_model(wrong)


def retrying(provider, *, attempts=2, recovery=None):
    policy = RetryPolicy.of(attempts=attempts, delay_s=5)
    recovery = recovery or SmartErrorRecovery(policy=policy)
    clock = LoopClock()
    return chain([Retrying(recovery, clock), Breaking(recovery, clock)], provider)


@pytest.mark.parametrize(
    "error", [ProviderDown("down"), NetworkFailed("broken"), MalformedOutput("cut")]
)
def test_what_may_pass_is_sent_again(error):
    async def body():
        reply = await retrying(Provider([error, error]))(make_call())

        assert reply.value.text == "answer 3"

    run(body())


@pytest.mark.parametrize("error", [AuthFailed("no"), BadRequest("bad"), ContextTooLong("long")])
def test_what_would_fail_again_is_not(error):
    async def body():
        provider = Provider([error])

        with pytest.raises(type(error)):
            await retrying(provider)(make_call())

        assert len(provider.asked) == 1

    run(body())


def test_attempts_are_as_many_as_they_may_be():
    async def body():
        provider = Provider([ProviderDown("down")] * 9)

        with pytest.raises(ProviderDown):
            await retrying(provider)(make_call())

        assert len(provider.asked) == 3

    run(body())


def test_a_rate_limit_waits_in_the_limiter_and_not_here():
    async def body():
        loop = asyncio.get_running_loop()
        begun = loop.time()

        await retrying(Provider([RateLimited("busy", retry_after_s=30)]))(make_call())

        assert loop.time() - begun < 3

    run(body())


def test_no_attempt_begins_after_the_deadline():
    async def body():
        deadline = asyncio.get_running_loop().time() + 1.5
        provider = Provider([ProviderDown("down", retry_after_s=10)])

        with pytest.raises(ProviderDown):
            await retrying(provider)(make_call(context=RunContext(run_id="r", deadline=deadline)))

        assert len(provider.asked) == 1

    run(body())


def test_a_provider_that_fails_too_often_is_left_alone_and_found_again():
    async def body():
        recovery = SmartErrorRecovery(policy=RetryPolicy.of(attempts=0, delay_s=0))
        provider = Provider([ProviderDown("down")] * 1000, takes_s=0.01)
        send = retrying(provider, recovery=recovery)

        for number in range(200):
            with contextlib.suppress(ProviderDown, CircuitOpen):
                await send(make_call(str(number)))
        sent = len(provider.asked)
        assert sent < 50

        provider.outcomes = []
        await asyncio.sleep(600)
        assert (await send(make_call())).value.text == f"answer {sent + 1}"

    run(body())


def test_a_cancelled_probe_does_not_keep_a_breaker_open():
    async def body():
        recovery = SmartErrorRecovery(policy=RetryPolicy.of(attempts=0, delay_s=0))
        provider = Provider([ProviderDown("down")] * 1000, takes_s=0.01)
        send = retrying(provider, recovery=recovery)
        for number in range(200):
            with contextlib.suppress(ProviderDown, CircuitOpen):
                await send(make_call(str(number)))
        await asyncio.sleep(600)
        provider.outcomes, provider.takes_s = [], 10
        for _ in range(20):
            probe = asyncio.ensure_future(send(make_call()))
            await asyncio.sleep(1)
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)

        assert (await send(make_call())).value.text.startswith("answer")

    run(body())


def test_a_dead_host_does_not_close_the_way_to_the_others():
    async def body():
        def page(host):
            request = FetchRequest(url=f"http://{host}/")
            return replace(make_call(), kind=CallKind.FETCH, model="", request=request)

        recovery = SmartErrorRecovery(policy=RetryPolicy.of(attempts=0, delay_s=0))
        provider = Provider([NetworkFailed("dead")] * 40, takes_s=0.01)
        send = retrying(provider, recovery=recovery)
        for _ in range(40):
            with contextlib.suppress(NetworkFailed, CircuitOpen):
                await send(page("dead.example"))
        provider.outcomes = []

        with pytest.raises(CircuitOpen):
            await send(page("dead.example"))
        assert (await send(page("other.example"))).value.text

    run(body())


# Seconds.


@pytest.mark.parametrize(("closing", "ends_s"), [(False, 85), (True, 95)])
def test_a_call_ends_with_the_seconds_of_its_run_and_some_are_left_to_write_up(closing, ends_s):
    async def body():
        clock = LoopClock()
        context = RunContext(run_id="r", spending=Ledger(Budget(seconds=100), clock))

        async def slow(_call):
            await asyncio.sleep(1_000)
            return answer()

        began = clock.monotonic()
        with pytest.raises(BudgetSpent) as spent:
            await within_seconds(make_call(context=context, closing=closing), slow)
        assert spent.value.resource == "seconds"
        assert clock.monotonic() - began == pytest.approx(ends_s, abs=0.5)

    run(body())


def test_a_time_out_of_the_provider_is_not_taken_for_the_end_of_the_runs_seconds():
    async def body():
        context = RunContext(run_id="r", spending=Ledger(Budget(seconds=100), LoopClock()))

        async def times_out(_call):
            raise TimeoutError

        with pytest.raises(TimeoutError):
            await within_seconds(make_call(context=context), times_out)

    run(body())
