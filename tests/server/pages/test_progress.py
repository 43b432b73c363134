"""How far a research is, by its events."""

import pytest

from wiseflow.core.configuration import ResearchMode
from wiseflow.core.jobs import Event, JobStatus
from wiseflow.server.pages.progress import Lane, Stand, progress_of

BEGAN = 1000.0


def events(*told):
    return [
        Event(job_id="j", number=number, at=BEGAN + after, type=name, data=data)
        for number, (after, name, data) in enumerate(told, start=1)
    ]


PLAN = {"title": "T", "sections": [{"title": "One"}, {"title": "Two"}]}
A = {"source_id": "a", "title": "A"}
B = {"source_id": "b", "title": "B"}


@pytest.fixture
def running(make_job):
    return make_job(started_at=BEGAN)


def read(job, told, *, mode=ResearchMode.GRAPH, now=BEGAN + 10):
    return progress_of(job, mode, told, None, now=now)


def test_a_step_begins_where_the_one_before_it_in_its_section_ended(running):
    told = events(
        (1, "plan", PLAN),
        (3, "source", {"section": 0, "sources": [A]}),
        (4, "source", {"section": 1, "sources": [A, B]}),
        (6, "draft", {"section": 0, "claims": 2, "cost": 0.5}),
    )

    progress = read(running, told)

    spans = [(bar.lane, bar.start_s, bar.end_s) for bar in progress.bars]
    assert spans == [
        (Lane.PLAN, 0, 1),
        (Lane.SEARCH, 1, 3),
        (Lane.SEARCH, 1, 4),
        (Lane.WRITE, 3, 6),
        (Lane.WRITE, 4, None),
    ]
    assert [one.source_id for one in progress.sources] == ["a", "b"]
    assert progress.sentences == 2
    assert progress.cost == 0.5
    assert progress.elapsed_s == 10


def test_a_section_that_is_written_again_counts_once(running):
    told = events(
        (1, "plan", PLAN),
        (2, "draft", {"section": 0, "claims": 5}),
        (3, "draft", {"section": 0, "claims": 3}),
    )

    assert read(running, told).sentences == 3


def test_phases_say_what_is_done_and_what_is_under_way(running):
    told = events((1, "plan", PLAN), (2, "source", {"section": 0, "sources": [A]}))

    phases = {one.lane: one.stand for one in read(running, told).phases}

    assert phases[Lane.PLAN] is Stand.DONE
    assert phases[Lane.SEARCH] is Stand.NOW
    assert phases[Lane.VERIFY] is Stand.TODO
    assert Lane.READ not in {
        one.lane for one in read(running, told, mode=ResearchMode.LINEAR).phases
    }


def test_one_that_is_completed_has_nothing_left_to_do(make_job):
    job = make_job(status=JobStatus.COMPLETED, started_at=BEGAN, completed_at=BEGAN + 4)

    progress = read(job, events((1, "plan", PLAN)), now=BEGAN + 99)

    assert {one.stand for one in progress.phases} == {Stand.DONE}
    assert progress.elapsed_s == 4


def test_an_estimate_is_counted_down(running):
    told = events((2, "estimate", {"remaining_s": 20, "low_s": 4, "high_s": 30, "researches": 7}))

    left = read(running, told, now=BEGAN + 8).left

    assert left is not None
    assert (left.seconds, left.low_s, left.high_s, left.researches) == (14, 0, 24, 7)


def test_one_that_waits_for_a_provider_says_so(running):
    told = events((1, "waiting", {"provider": "tavily", "why": "it is down"}))

    assert read(running, told).waits == "waits for tavily: it is down"


def test_events_of_an_earlier_attempt_are_not_on_the_timeline(make_job):
    job = make_job(started_at=BEGAN + 50, attempt=2)
    told = events((1, "plan", PLAN), (60, "draft", {"section": 0, "claims": 1}))

    bars = read(job, told, now=BEGAN + 70).bars

    assert [(bar.lane, bar.end_s) for bar in bars if bar.end_s is not None] == [(Lane.WRITE, 10)]


@pytest.mark.parametrize("data", [{}, {"sources": "x"}, {"sources": [1]}, {"sources": [{}]}])
def test_an_event_of_another_shape_breaks_nothing(running, data):
    assert read(running, events((1, "source", data))).last == 1
