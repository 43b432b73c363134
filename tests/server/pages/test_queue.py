"""What the queue page says of those that wait, as pure functions."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.instances import Instance, InstanceKind, Sign
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.limits import LimitKey
from wiseflow.limits.states import KeyShown
from wiseflow.server.pages.queue_page import Circumstances, waiting
from wiseflow.server.pages.turns import turns

SIGN = Sign(
    name="one", kind=InstanceKind.SERVE, host="h", version="1", capacity=2, running=2
)  # fmt: skip
ONE = Instance(sign=SIGN, started_at=0.0, seen_at=99.0, alive=True)
AROUND = Circumstances(
    instances=[ONE], everywhere=0, running=2, ageing_s=60.0, held="", limits=(), now=100.0
)


def around(**changes):
    return replace(AROUND, **changes)


def instance(**changes):
    return replace(ONE, sign=replace(SIGN, **changes))


def pending(make_job, name, **changes):
    fields = {"status": JobStatus.PENDING, "attempt": 0, "created_at": 50.0, "started_at": None}
    return make_job(job_id=name, **(fields | changes))


def test_each_that_waits_says_for_what(make_job):
    running = [make_job(job_id=name) for name in "ab"]
    to_approve = make_job(job_id="c", status=JobStatus.AWAITING_APPROVAL)
    again = pending(make_job, "e", attempt=1, error="down")

    found = waiting([*running, to_approve, pending(make_job, "d"), again], around())

    assert {one.job.job_id: one.kind for one in found} == {
        "a": "", "b": "", "c": "approval", "d": "slot", "e": "retry",
    }  # fmt: skip


def test_what_nobody_takes_waits_for_a_worker(make_job):
    dead = replace(ONE, alive=False)

    for instances in ([], [dead], [instance(capacity=0, running=0)]):
        [one] = waiting([pending(make_job, "a")], around(instances=instances))
        assert one.kind == "worker"
        assert "wiseflow worker" in one.why


def test_where_a_place_is_free_the_first_is_next_and_the_second_waits_for_one(make_job):
    some = [pending(make_job, "a"), pending(make_job, "b", created_at=51.0)]

    first, second = waiting(some, around(instances=[instance(running=1)], running=1))

    assert (first.kind, first.why) == ("", "its turn is next")
    assert (second.kind, second.why) == ("slot", "place 2: 1 of 2 places are taken")


def test_the_bound_over_all_processes_is_named_though_places_are_free(make_job):
    free = [ONE, instance(name="two", running=0)]

    [one] = waiting([pending(make_job, "a")], around(instances=free, everywhere=2))

    assert one.kind == "bound"
    assert "at most 2" in one.why
    assert "MAX_RESEARCH_EVERYWHERE" in one.why


def test_a_key_with_places_waits_for_those_with_fewer(make_job):
    running = [make_job(job_id=name, submitter="busy") for name in "ab"]
    old = pending(make_job, "c", submitter="busy")
    new = pending(make_job, "d", submitter="quiet", created_at=90.0)

    found = {one.job.job_id: one for one in waiting([*running, old, new], around())}

    assert found["c"].kind == "share"
    assert "1 of other keys go first" in found["c"].why
    assert "2 at work" in found["c"].why
    assert found["d"].kind == "slot"


def test_who_has_waited_goes_before_who_is_a_little_more_urgent(make_job):
    low = pending(make_job, "a", priority=TaskPriority.LOW, created_at=0.0)
    normal = pending(make_job, "b", priority=TaskPriority.NORMAL, created_at=100.0)

    assert [one.job.job_id for one in turns([normal, low], ageing_s=60.0)] == ["a", "b"]
    assert [one.job.job_id for one in turns([normal, low], ageing_s=120.0)] == ["b", "a"]


def test_calls_that_wait_for_a_limit_are_named(make_job):
    key = KeyShown(key=LimitKey(provider="arxiv"), limits=(), under_way=1, waiting=7, paused_s=0)

    [one] = waiting([make_job()], around(limits=(key,)))

    assert one.kind == "limit"
    assert "7 calls" in one.why
    assert "arxiv" in one.why


@st.composite
def researches(draw):
    places = range(draw(st.integers(0, 12)))
    return [
        Job(
            job_id=f"{place:02}",
            kind="research",
            status=draw(st.sampled_from([JobStatus.PENDING, JobStatus.RUNNING])),
            priority=draw(st.sampled_from(TaskPriority)),
            submitter=draw(st.sampled_from("xyz")),
            created_at=float(draw(st.integers(0, 300))),
            started_at=draw(st.sampled_from([None, 5.0, 9.0])),
        )
        for place in places
    ]


@given(active=researches())
def test_turns_are_those_of_places_given_away_one_by_one(active):
    found = turns(active, ageing_s=60.0)

    held = Counter(job.submitter for job in active if job.status is JobStatus.RUNNING)
    left = [one.job for one in found]
    for turn in found:
        assert turn.held + turn.ahead == held[turn.job.submitter]
        assert held[turn.job.submitter] == min(held[job.submitter] for job in left)
        held[turn.job.submitter] += 1
        left.remove(turn.job)
    assert [one.place for one in found] == list(range(1, len(found) + 1))
