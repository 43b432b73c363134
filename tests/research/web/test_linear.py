"""The linear mode with the extractive author over the web."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wiseflow.core.authoring import Evidence
from wiseflow.core.calls import RunContext
from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import Configuration, SearchAPI
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import NetworkFailed, ProviderDown
from wiseflow.core.groups import task_group
from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.core.report import Verdict
from wiseflow.jobs.journal import StepJournal
from wiseflow.research.asking import Question, to_payload
from wiseflow.research.extractive.authors import ExtractiveAuthor
from wiseflow.research.extractive.corpus import vocabulary
from wiseflow.research.handler import ResearchHandler, ResearchTeam
from wiseflow.research.privacy import must_stay_here
from wiseflow.research.rendering.json import report_from_text
from wiseflow.research.rendering.reading import all_claims
from wiseflow.research.time_range import read_period
from wiseflow.storage.sql.steps import SqlStepStore


class Branches:
    """Runs parts side by side."""

    async def all(self, name, parts):
        async with task_group() as group:
            tasks = [group.create_task(part()) for part in parts]
        return [task.result() for task in tasks]


class Run:
    """A job's context over the database of the house."""

    def __init__(self, house, job):
        self.job = job
        steps = SqlStepStore(house.pages._database)
        self.journal = StepJournal(steps, house.lease, {})
        self.events = []
        self.deadline = None

    async def emit(self, event_type, data):
        self.events.append((event_type, data))

    async def progress(self, fraction):
        pass

    def check(self):
        pass


@pytest.fixture
def start(house):
    async def begin(topic="Lake Baikal", **settings):
        configuration = Configuration(search_api=SearchAPI.TAVILY, **settings)
        question = Question(topic=topic, configuration=configuration)
        job = await house.queue.get(house.lease.job_id)
        run = Run(house, replace(job, payload=to_payload(question)))
        handler = ResearchHandler(
            ResearchTeam(
                author=lambda _: ExtractiveAuthor(house.compute, None),
                retriever=lambda commission: house.retriever(
                    commission.lease, period=commission.period
                ),
                sources=house.documents,
                reports=house.reports,
                branches=Branches(),
                clock=SystemClock(),
            )
        )
        return run, await handler(run)

    return begin


async def test_a_report_is_written_from_pages_alone(house, start):
    run, outcome = await start()

    assert outcome.status is JobStatus.COMPLETED, outcome.error
    report = report_from_text(await house.reports.get(run.job.job_id))
    assert report.language == "en"
    assert {source.provider for source in report.sources} == {"tavily"}
    assert all(source.url in house.web.pages and source.sha256 for source in report.sources)
    verdicts = {citation.verdict for claim in all_claims(report) for citation in claim.citations}
    assert verdicts == {Verdict.SUPPORTED}
    assert set(house.web.fetched.values()) == {1}


async def test_events_name_the_true_provider_and_what_was_missed(house, start):
    house.web.broken = {"https://ice.example/winter": NetworkFailed("the connection broke")}
    house.web.results.sort(key=lambda one: "ice" not in one.url)

    run, _ = await start()

    told = [data for kind, data in run.events if kind == "source"]
    assert {source["provider"] for data in told for source in data["sources"]} == {"tavily"}
    missed = next(data for kind, data in run.events if kind == "missed")
    assert missed["missed"] == [
        {"sought": "page", "name": "https://ice.example/winter", "reason": "the connection broke"}
    ]


async def test_a_blocked_search_is_never_a_report(house, start):
    house.web.broken = {"Lake Baikal": ProviderDown("tavily is down")}

    _, outcome = await start()

    assert (outcome.status, outcome.stop_reason) == (JobStatus.FAILED, StopReason.NO_EVIDENCE)
    assert "tavily is down" in outcome.error


async def test_a_time_range_counts_from_the_day_of_the_research(house, start):
    run, _ = await start(time_range="2y")

    asked_on = datetime.fromtimestamp(run.job.created_at, UTC).date()
    assert {request.since for _, request, _ in house.web.requests} == {
        read_period("2y", asked_on).since
    }


async def test_the_context_of_a_run_can_be_given(house, start):
    made = RunContext(run_id="mine", local_only=True)
    seen = []

    async def context(run, configuration):
        return made

    handler = ResearchHandler(
        ResearchTeam(
            author=lambda _: ExtractiveAuthor(house.compute, None),
            retriever=lambda commission: (
                seen.append(commission) or house.retriever(commission.lease)
            ),
            sources=house.documents,
            reports=house.reports,
            branches=Branches(),
            clock=SystemClock(),
            context=context,
        )
    )
    run, _ = await start()

    await handler(run)

    assert seen[0].context is made
    assert seen[0].configuration.search_api is SearchAPI.TAVILY


async def test_only_a_private_collection_that_is_read_stays_here(house):
    await house.documents.ensure_collection("secrets", private=True)
    secrets = Configuration(collection="secrets")
    on_the_web = Configuration(collection="secrets", search_api=SearchAPI.EXA)

    assert await must_stay_here(secrets, house.documents)
    assert not await must_stay_here(Configuration(), house.documents)
    assert not await must_stay_here(on_the_web, house.documents)


def test_without_an_index_passages_tell_how_rare_a_word_is():
    texts = ["Bees dance.", "Bees dig.", "Ants dig."]
    evidence = [
        Evidence(
            hit=Hit(
                passage=Passage(passage_id=text, source_id="s", start=0, end=9, text=text),
                score=1.0,
                language="en",
            ),
            score=1.0,
        )
        for text in [*texts, texts[0]]
    ]

    known = vocabulary(None, evidence)

    found = [
        known.document_frequency(word, language="en") for word in ("bee", "dancing", "cows", "")
    ]
    rarities = [known.inverse_document_frequency(word, language="en") for word in ("bees", "dance")]
    assert found == [2, 1, 0, 0]
    assert 0 <= rarities[0] < rarities[1]
