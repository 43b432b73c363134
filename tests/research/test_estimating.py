"""How long a research still takes: told with its plan and drafts, learnt from those before."""

import json

import pytest

from wiseflow.core.configuration import Configuration
from wiseflow.core.jobs import Lease
from wiseflow.engine.prediction import Predictor
from wiseflow.jobs.journal import StepJournal
from wiseflow.research.approving import APPROVED_STEP
from wiseflow.research.estimating import EstimatedRun, kind_of

LINEAR = Configuration()
PLAN = {"title": "Bees", "sections": [{"title": "A"}, {"title": "B"}]}


class Told:
    """A run that keeps what it is told."""

    deadline = None

    def __init__(self, steps, job):
        lease = Lease(job_id="j", owner="o", token=1)
        self.journal = StepJournal(steps, lease, steps.results)
        self.job = job
        self.events = []

    async def emit(self, event_type, data):
        self.events.append((event_type, data))

    async def progress(self, fraction):
        return None

    def check(self):
        return None


class Hand:
    """A clock that is set by hand."""

    time = 100.0

    def now(self):
        return self.time

    def monotonic(self):
        return self.time

    async def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def predictor():
    """One that knows ten researches of two sections, which took 38 to 42 seconds after a plan."""
    known = Predictor()
    for number in range(10):
        known.observe(kind_of(LINEAR), duration_s=38.0 + number % 5, size=2.0)
    return known


@pytest.fixture
def clock():
    return Hand()


@pytest.fixture
def start(predictor, clock, make_steps, make_job):
    def begun(steps=None, durations=predictor):
        run = Told(steps or make_steps(), make_job(job_id="j", kind="research", payload={}))
        timed = EstimatedRun(run, durations=durations, clock=clock, configuration=LINEAR)
        return timed, run

    return begun


async def test_a_plan_tells_how_long_the_rest_takes_with_its_range(start):
    timed, run = start()

    await timed.emit("plan", PLAN)

    [(_, _), (kind, told)] = run.events
    assert kind == "estimate"
    assert 38 <= told["low_s"] <= told["remaining_s"] <= told["high_s"] <= 42.5
    assert told["researches"] == 10


async def test_what_has_passed_is_no_longer_expected(start, clock):
    timed, run = start()
    await timed.emit("plan", PLAN)

    clock.time += 30
    await timed.emit("draft", {"section": 0})
    clock.time += 30
    await timed.emit("draft", {"section": 1})

    lefts = [data for kind, data in run.events if kind == "estimate"]
    assert 8 <= lefts[1]["remaining_s"] <= 12
    assert lefts[2]["low_s"] == lefts[2]["remaining_s"] == lefts[2]["high_s"] == 0.0


async def test_nothing_is_told_while_nothing_is_known(start):
    timed, run = start(durations=Predictor())

    await timed.emit("plan", PLAN)
    await timed.emit("draft", {})

    assert [kind for kind, _ in run.events] == ["plan", "draft"]


async def test_a_completed_research_is_learnt(start, clock):
    durations = Predictor()
    for _ in range(6):
        timed, _ = start(durations=durations)
        await timed.emit("plan", PLAN)
        clock.time += 7
        timed.completed()

    estimate = durations.estimate(kind_of(LINEAR), size=2.0)
    assert estimate is not None
    assert estimate.p50_s == pytest.approx(7.0, rel=0.05)


async def test_the_wait_for_approval_is_not_part_of_it(start, clock, make_steps):
    plan = {"title": "T", "language": "", "sections": [{"title": "A", "queries": ["a"]}]}
    steps = make_steps(results={APPROVED_STEP: json.dumps({"plan": plan})})

    timed, run = start(steps)
    clock.time += 10
    await timed.emit("draft", {})

    [_, (kind, told)] = run.events
    assert kind == "estimate"
    assert 27 <= told["remaining_s"] <= 33


async def test_a_research_that_was_taken_up_in_its_middle_is_not_learnt(start, make_steps):
    durations = Predictor()
    plan = {"title": "T", "language": "", "sections": [{"title": "A", "queries": ["a"]}]}
    results = {APPROVED_STEP: json.dumps({"plan": plan}), "sections/0/draft": '{"claims": []}'}

    timed, _ = start(make_steps(results=results), durations)
    timed.completed()

    assert len(durations) == 0
