"""A small library with a real index, a run that keeps its journal, and builders of records."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from wiseflow.bench.briefs import InlineBranches
from wiseflow.core.asking import ChatAnswer, ChatRequest, Finish
from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import Configuration
from wiseflow.core.documents import Passage, Source
from wiseflow.core.errors import ContextTooLong, NotFound
from wiseflow.core.gateways import ModelRoom
from wiseflow.core.jobs import Job, JobStatus, Lease, StepNews
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.core.report import (
    AuthorKind,
    Citation,
    Claim,
    Report,
    ReportAuthor,
    RunFacts,
    Section,
    SourceReference,
    Verdict,
)
from wiseflow.jobs.journal import StepJournal
from wiseflow.knowledge.writing import apply
from wiseflow.research.asking import Question, to_payload
from wiseflow.research.extractive.authors import ExtractiveAuthor
from wiseflow.research.extractive.retrieving import IndexRetriever
from wiseflow.research.handler import ResearchHandler, ResearchTeam
from wiseflow.research.modelled.author import ModelAuthor, Roles
from wiseflow.research.rendering.json import report_from_text

DOCUMENTS = {
    ("baikal", "Lake Baikal"): (
        "Geography",
        (
            "Lake Baikal is a rift lake in southern Siberia, and the deepest lake in the world. "
            "The lake is 636 kilometres long and up to 79 kilometres wide. "
            "Its greatest depth of 1,642 metres was measured in 2002."
        ),
        (
            "The rift under Lake Baikal is still opening by about two centimetres a year. "
            "Earthquakes shake the shores of the lake every few years. "
            "The sediments on the floor of Lake Baikal are seven kilometres thick."
        ),
    ),
    ("seal", "Baikal seal"): (
        "Wildlife",
        (
            "The Baikal seal lives only in Lake Baikal and is the smallest of all seals. "
            "How the seals of Lake Baikal came to live so far from the sea is disputed. "
            "About eighty thousand seals live in the lake today."
        ),
        (
            "Seals of Lake Baikal eat golomyanka fish, which are nearly transparent. "
            "The seals give birth on the ice of the lake in late winter."
        ),
    ),
    ("railway", "Circum-Baikal Railway"): (
        "Transport",
        (
            "The Circum-Baikal Railway runs along the shore of Lake Baikal through 38 tunnels. "
            "Engineers built the railway between 1899 and 1904. "
            "The railway was planned by the engineer Boris Savrimovich."
        ),
        (
            "Trains first crossed Lake Baikal on the icebreaker SS Baikal, built in Newcastle. "
            "Today the railway along the lake carries mostly tourists."
        ),
    ),
    ("savrimovich", "Boris Savrimovich"): (
        "Life",
        (
            "Boris Savrimovich was a railway engineer who was born in Riga. "
            "He studied in Saint Petersburg and died in 1921."
        ),
    ),
    ("bread", ""): (
        "Baking",
        (
            "Sourdough is bread leavened by wild yeast and bacteria. "
            "Bakers keep a part of the dough as a starter for the next day."
        ),
    ),
}


class InlineCompute:
    """Runs functions where they are called, and counts them."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def run(self, function, /, *args, **kwargs):
        self.calls.append(function.__name__)
        return function(*args, **kwargs)


@dataclass
class Steps:
    """Journalled results of one job, and which of them were written in which order."""

    results: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    async def steps(self, job_id: str) -> dict[str, str]:
        return dict(self.results)

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        assert step_key not in self.results
        self.results[step_key] = result
        self.written.append(step_key)


@dataclass
class FailingJournal:
    """A journal whose run breaks off before or after a step, with that step's error."""

    journal: StepJournal
    fail_before: dict[str, Exception] = field(default_factory=dict)
    fail_after: dict[str, Exception] = field(default_factory=dict)

    async def once(self, step_key: str, function: Callable[[], Awaitable[Any]], result_type: type):
        if error := self.fail_before.get(step_key):
            raise error
        result = await self.journal.once(step_key, function, result_type)
        if error := self.fail_after.get(step_key):
            raise error
        return result

    def kept(self, prefix: str, result_type: type[Any]) -> list[Any]:
        return self.journal.kept(prefix, result_type)


@dataclass
class Run:
    """A job's context without a database."""

    job: Job
    journal: FailingJournal
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    cancelled: Exception | None = None
    deadline: float | None = None

    async def emit(self, event_type: str, data: Mapping[str, object]) -> None:
        self.events.append((event_type, data))

    async def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def check(self) -> None:
        if self.cancelled:
            raise self.cancelled


class Sources:
    """Stored documents by id."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.known = dict(sources)

    async def sources(self, source_ids: Sequence[str]) -> dict[str, Source]:
        return {one: self.known[one] for one in source_ids if one in self.known}

    async def source(self, source_id: str) -> Source:
        if source_id not in self.known:
            raise NotFound(f"there is no source {source_id}")
        return self.known[source_id]


class Reports:
    """Saved reports by job, and what they cite."""

    def __init__(self) -> None:
        self.kept: dict[str, Report] = {}
        self.cited: dict[str, list[str]] = {}

    async def save(self, lease: Lease, report: str, *, source_ids: Sequence[str]) -> None:
        self.kept[lease.job_id] = report_from_text(report)
        self.cited[lease.job_id] = list(source_ids)

    async def get(self, job_id: str) -> str:
        raise NotImplementedError


_SHOWN = re.compile(
    r'<(?:passage|claim) id="(.+?)" (?:title|section)="(.*?)">\n(.*?)\n</', re.DOTALL
)
Answer = str | Exception | Callable[[ChatRequest], str]


@dataclass
class ScriptedModels:
    """Models that answer by the schema and the prompt they are given, or as the script says.

    Args:
        script: answers by step, one for each time it is asked; "*" stands for any section.
        room: that it tells.
        true_room: tokens of the context that it has in truth.
    """

    script: dict[str, list[Answer]] = field(default_factory=dict)
    room_told: ModelRoom = field(
        default_factory=lambda: ModelRoom(context_tokens=16_000, output_tokens=4_000)
    )
    true_room: int = 16_000
    asked: list[tuple[str, ChatRequest]] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.asked]

    def room(self, model: str) -> ModelRoom:
        return self.room_told

    def count(self, model: str, text: str) -> int:
        return -(-len(text) // 3)

    async def complete(
        self, request: ChatRequest, *, model, context, step, closing=False, on_text=None
    ) -> ChatAnswer:
        async def answer() -> ChatAnswer:
            return self._answer(request, model, step, closing=closing)

        if context.journal is None:
            return await answer()
        key = f"{step}#{hashlib.sha256(repr(request).encode()).hexdigest()}"
        return await context.journal.once(key, answer, ChatAnswer)

    def _answer(self, request: ChatRequest, model: str, step: str, *, closing: bool) -> ChatAnswer:
        self.asked.append((step, request))
        if closing:
            self.closing.append(step)
        used = sum(self.count(model, one.text) for one in request.messages) + request.max_tokens
        if used > self.true_room:
            raise ContextTooLong(f"{used} tokens are more than {self.true_room}")
        scripted = self.script.get(step) or self.script.get(re.sub(r"/\d+/", "/*/", step))
        said: Answer = scripted.pop(0) if scripted else by_schema
        if isinstance(said, Exception):
            raise said
        text = said(request) if callable(said) else said
        return ChatAnswer(text=text, model=model, finish=Finish.STOP)


def by_schema(request: ChatRequest) -> str:
    """An honest answer: sections after the extracts' titles, and the first sentence of each."""
    shown = _SHOWN.findall(request.messages[1].text)
    firsts = [(one, text.split(". ")[0].rstrip(".") + ".") for one, _, text in shown]
    fields = set(cast("dict[str, object]", (request.schema or {}).get("properties", {})))
    if not fields:
        return "\n".join(f"{said} [{one}]" for one, said in firsts)
    if "sections" in fields:
        titles = list(dict.fromkeys(title for _, title, _ in shown if title))[:3]
        sections = [{"title": title, "queries": [f"{title} facts", title]} for title in titles]
        return json.dumps({"title": "A report", "language": "en", "sections": sections})
    if (opinion := opinion_by(fields, shown)) is not None:
        return json.dumps(opinion)
    if "not_found" in fields:
        said = [{"text": said, "claims": [one]} for one, said in firsts[:3]]
        return json.dumps({"claims": said, "not_found": ["Nothing tells the price."]})
    said = [{"text": said, "passages": [one], "quote": said} for one, said in firsts]
    return json.dumps({"claims": said})


def opinion_by(fields: set[str], shown: Sequence[tuple[str, str, str]]) -> dict[str, object] | None:
    """What a critic, a reader and a judge say; ``None`` when it is none of them that is asked."""
    if "needs_more" in fields:
        return {"needs_more": []}
    if "questions" in fields:
        ids = [one for one, _, _ in shown]
        return {"answered": True, "passages": ids, "entities": [], "questions": []}
    if "judgements" in fields:
        return {"judgements": [honest(one, text, shown) for one, text in claims(shown)]}
    return None


def claims(shown: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(one, text) for one, _, text in shown if one.startswith("c")]


def honest(claim: str, text: str, shown: Sequence[tuple[str, str, str]]) -> dict[str, object]:
    """What somebody says who finds supported only what stands there."""
    held = any(text in said for one, _, said in shown if one.startswith("p"))
    verdict = "supported" if held else "unsupported"
    quote = text if held else ""
    return {"claim": claim, "verdict": verdict, "quote": quote, "text": "", "passages": []}


def model_author(models: ScriptedModels, **context) -> ModelAuthor:
    """The author under test, outside of a job."""
    roles = Roles(planner="near:planner", writer="near:writer")
    return ModelAuthor(models, RunContext(run_id="r", **context), roles)


class HandClock:
    """A clock that goes on by one second whenever it is read."""

    def __init__(self) -> None:
        self._time = 0.0

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        self._time += 1.0
        return self._time

    async def sleep(self, seconds: float) -> None:
        self._time += seconds


@dataclass
class Library:
    """Documents with their index, and a handler over them."""

    folder: Path
    sources: Sources
    compute: InlineCompute
    reports: Reports
    handler: ResearchHandler
    make_job: Callable[..., Job]

    def with_models(self, models: ScriptedModels, journal=None, retriever=None) -> ResearchHandler:
        """A handler whose author asks ``models``."""
        return ResearchHandler(
            ResearchTeam(
                author=lambda _: model_author(models, journal=journal),
                retriever=lambda _: retriever or IndexRetriever(self.compute, self.folder),
                sources=self.sources,
                reports=self.reports,
                branches=InlineBranches(),
                clock=HandClock(),
            )
        )

    def run(
        self, topic: str, *, steps: Steps | None = None, job_id: str = "job", **settings
    ) -> Run:
        question = Question(topic=topic, configuration=Configuration(**settings))
        return self.run_of(to_payload(question), steps=steps, job_id=job_id)

    def run_of(
        self, payload: Mapping[str, object], *, steps: Steps | None = None, job_id: str = "job"
    ) -> Run:
        job = self.make_job(job_id=job_id, kind="research", payload=payload)
        steps = steps or Steps()
        lease = Lease(job_id=job_id, owner="here", token=1)
        journal = FailingJournal(StepJournal(steps, lease, steps.results))
        return Run(job=job, journal=journal)

    async def research(self, topic: str, **settings) -> Report:
        run = self.run(topic, **settings)
        outcome = await self.handler(run)
        assert outcome.status is JobStatus.COMPLETED, outcome.error
        return self.reports.kept[run.job.job_id]


@pytest.fixture(scope="session")
def indexed(tmp_path_factory) -> tuple[Path, dict[str, Source]]:
    """The folder of an index over ``DOCUMENTS`` and the stored documents."""
    folder = tmp_path_factory.mktemp("library") / "index"
    stored = [_stored(key, title, texts) for (key, title), texts in DOCUMENTS.items()]
    apply(folder, IndexChange(added=tuple(stored)))
    return folder, {item.source.source_id: item.source for item in stored}


@pytest.fixture
def library(indexed, make_job) -> Library:
    folder, sources = indexed
    compute, reports = InlineCompute(), Reports()
    known = Sources(sources)
    handler = ResearchHandler(
        ResearchTeam(
            author=lambda _: ExtractiveAuthor(compute, folder),
            retriever=lambda _: IndexRetriever(compute, folder),
            sources=known,
            reports=reports,
            branches=InlineBranches(),
            clock=HandClock(),
        )
    )
    return Library(
        folder=folder,
        sources=known,
        compute=compute,
        reports=reports,
        handler=handler,
        make_job=make_job,
    )


@pytest.fixture
def make_models():
    return ScriptedModels


@pytest.fixture
def make_steps():
    return Steps


@pytest.fixture
def make_author():
    return model_author


@pytest.fixture
def make_report():
    return build_report


@pytest.fixture
def make_claim():
    return build_claim


def build_claim(
    text: str = "The lake is deep.",
    *,
    quote: str = "",
    source_id: str = "s1",
    start: int = 0,
    verdict: Verdict = Verdict.SUPPORTED,
) -> Claim:
    quote = quote or text
    citation = Citation(
        source_id=source_id,
        passage_id=f"{source_id}:0-99",
        start=start,
        end=start + len(quote),
        quote=quote,
        verdict=verdict,
    )
    return Claim(text=text, citations=(citation,))


def build_report(**changes) -> Report:
    claim = build_claim()
    inner = Section(title="Depth", claims=(build_claim("It is 1,642 m deep.", start=50),))
    fields: dict[str, Any] = {
        "id": "r1",
        "topic": "Lakes",
        "mode": "linear",
        "status": "completed",
        "language": "en",
        "author": ReportAuthor(kind=AuthorKind.EXTRACTIVE),
        "title": "Lakes",
        "summary": (claim,),
        "sections": (Section(title="Geography", claims=(claim,), subsections=(inner,)),),
        "sources": (
            SourceReference(
                id="s1",
                title="Lake Baikal",
                url="https://lakes.example/baikal",
                path="/docs/baikal.md",
                published="2024-01-02",
                provider="documents",
                sha256="ab",
                authors=("Ada Brandt", "Hugo Grieg"),
                site="Lake News",
            ),
        ),
        "not_found": ("No passage found mentions “fish”.",),
        "facts": RunFacts(seconds=1.5, queries=2, citations=3, supported=3),
    }
    return Report(**(fields | changes))


def _stored(key: str, title: str, texts: Sequence[str]) -> StoredSource:
    heading, *paragraphs = texts
    text = "\n\n".join(paragraphs)
    passages: list[Passage] = []
    start = 0
    for paragraph in paragraphs:
        end = start + len(paragraph)
        passages.append(
            Passage(
                passage_id=f"{key}:{start}-{end}",
                source_id=key,
                start=start,
                end=end,
                text=paragraph,
                title=title,
                heading=heading,
            )
        )
        start = end + 2
    source = Source(
        source_id=key,
        collection="default",
        document_id=key,
        path=f"/docs/{key}.md",
        title=title,
        url="",
        published="",
        language="en",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )
    return StoredSource(source=source, passages=tuple(passages))
