"""Quality of briefs: sentences chosen for questions, citations on topic, verbatim spans."""

from __future__ import annotations

import asyncio
import hashlib
import re
import statistics
import string
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from wiseflow.bench.data import read_rows
from wiseflow.bench.figures import Figure, mean_figure
from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import Configuration
from wiseflow.core.documents import Source, passage_of
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Job, JobStatus, Lease
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.core.report import Citation, Claim, Report
from wiseflow.knowledge.writing import apply
from wiseflow.research.asking import Question, to_payload
from wiseflow.research.extractive.authors import ExtractiveAuthor
from wiseflow.research.extractive.retrieving import IndexRetriever
from wiseflow.research.handler import KIND, ResearchHandler, ResearchTeam
from wiseflow.research.rendering.json import report_from_text
from wiseflow.research.rendering.reading import all_claims
from wiseflow.text import words

P = ParamSpec("P")
T = TypeVar("T")
LEAST_F1, LEAST_ON_TOPIC, LEAST_VERBATIM = 0.51, 0.95, 1.0
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The report on one topic of a data set; ``None`` when the documents held nothing."""

    query: Mapping[str, Any]
    report: Report | None
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set and the index over its corpus.

    Args:
        documents: rows of the corpus by id.
        sources: the stored documents by id.
        queries: the topics.
        gold: relevant documents with their supporting sentences, by query.
        index_folder: of the index over all documents.
    """

    documents: dict[str, Mapping[str, Any]]
    sources: dict[str, Source]
    queries: list[Mapping[str, Any]]
    gold: dict[str, dict[str, list[int]]]
    index_folder: Path


def measure_briefs(data_dir: Path, work_dir: Path, *, split: str = "dev") -> list[Figure]:
    """Figures of the briefs on the data sets that ``data_dir`` holds.

    Args:
        data_dir: with the folders ``mh_hotpot`` and ``freshwiki``.
        work_dir: for the indexes; what is there is used again.
        split: the folder of the queries within each set.

    Raises:
        NotFound: a data set is missing.
    """
    questions = load(data_dir / "mh_hotpot", work_dir / "mh_hotpot", split=split)
    subjects = load(data_dir / "freshwiki", work_dir / "freshwiki", split=split)
    return [
        *question_figures("mh_hotpot", questions, write_briefs(questions)),
        *subject_figures("freshwiki", subjects, write_briefs(subjects)),
    ]


def load(folder: Path, index_folder: Path, *, split: str) -> DataSet:
    """A data set, its corpus indexed: one passage for each paragraph."""
    documents = {str(row["id"]): row for row in read_rows(folder / "corpus.jsonl")}
    stored = [_stored(row) for row in documents.values()]
    apply(index_folder, IndexChange(added=tuple(stored)))
    gold: dict[str, dict[str, list[int]]] = {}
    for row in read_rows(folder / split / "qrels.jsonl"):
        gold.setdefault(row["qid"], {})[row["doc"]] = row.get("sents", [])
    return DataSet(
        documents=documents,
        sources={item.source.source_id: item.source for item in stored},
        queries=read_rows(folder / split / "queries.jsonl"),
        gold=gold,
        index_folder=index_folder,
    )


def write_briefs(data: DataSet) -> list[Brief]:
    """A brief on every topic, by the handler that runs in production."""
    return asyncio.run(_write_briefs(data))


def question_figures(subject: str, data: DataSet, briefs: Sequence[Brief]) -> list[Figure]:
    """Supporting-sentence F1 of the summaries and of whole reports, and answers inside."""
    summary_f1: list[float] = []
    whole_f1: list[float] = []
    inside: list[float] = []
    for brief in briefs:
        gold = _gold_sentences(data.gold[brief.query["id"]])
        summary = brief.report.summary if brief.report else ()
        whole = list(all_claims(brief.report)) if brief.report else []
        summary_f1.append(_f1(_sentences(summary, data), gold))
        whole_f1.append(_f1(_sentences(whole, data), gold))
        if _normalised(brief.query["answer"]) not in {"yes", "no"}:
            inside.append(_answer_inside(brief.query, whole))
    return [
        mean_figure(subject, "supporting-sentence F1 of the summary", summary_f1, bar=LEAST_F1),
        mean_figure(subject, "supporting-sentence F1 of the whole report", whole_f1),
        mean_figure(subject, "answer inside the first five cited sentences", inside),
        *_common_figures(subject, data, briefs),
    ]


def subject_figures(subject: str, data: DataSet, briefs: Sequence[Brief]) -> list[Figure]:
    """Citations on topic, sections covered, and ROUGE-1 of the briefs against the leads."""
    pooled: list[float] = []
    by_topic: list[float] = []
    covered: list[float] = []
    rouge: list[float] = []
    for brief in briefs:
        gold = data.gold[brief.query["id"]]
        cited = [citation.source_id for citation in _citations(brief.report)]
        hits = [float(source_id in gold) for source_id in cited]
        pooled += hits
        by_topic.append(statistics.fmean(hits) if hits else 0.0)
        all_sections = {data.documents[doc]["section"] for doc in gold}
        seen = {data.documents[doc]["section"] for doc in cited if doc in gold}
        covered.append(len(seen) / len(all_sections))
        rouge.append(_rouge(brief.report, brief.query["lead"]))
    return [
        mean_figure(subject, "citations on topic", pooled, bar=LEAST_ON_TOPIC),
        mean_figure(subject, "citations on topic, mean over topics", by_topic),
        mean_figure(subject, "sections covered", covered),
        mean_figure(subject, "ROUGE-1 F against the lead", rouge),
        *_common_figures(subject, data, briefs),
    ]


def _common_figures(subject: str, data: DataSet, briefs: Sequence[Brief]) -> list[Figure]:
    citations = [citation for brief in briefs for citation in _citations(brief.report)]
    verbatim = [float(_is_verbatim(citation, data)) for citation in citations]
    reported = [float(brief.report is not None) for brief in briefs]
    cpu = [1000 * brief.cpu_s for brief in briefs]
    return [
        mean_figure(subject, "citations that are verbatim spans", verbatim, bar=LEAST_VERBATIM),
        mean_figure(subject, "topics that got a report", reported, bar=1.0),
        mean_figure(subject, "CPU a research, ms", cpu),
    ]


async def _write_briefs(data: DataSet) -> list[Brief]:
    reports = Reports()
    handler = ResearchHandler(
        ResearchTeam(
            author=lambda _: ExtractiveAuthor(InlineCompute(), data.index_folder),
            retriever=lambda _: IndexRetriever(InlineCompute(), data.index_folder),
            sources=Sources(data.sources),
            reports=reports,
            branches=InlineBranches(),
            clock=SystemClock(),
        )
    )
    briefs: list[Brief] = []
    for query in data.queries:
        run = MemoryRun.of(str(query["id"]), str(query["text"]))
        before = time.process_time()
        outcome = await handler(run)
        cpu_s = time.process_time() - before
        done = outcome.status is JobStatus.COMPLETED
        report = report_from_text(reports.kept[run.job.job_id]) if done else None
        briefs.append(Brief(query=query, report=report, cpu_s=cpu_s))
    return briefs


class InlineCompute:
    """Runs functions where they are called: one process shows what the work costs."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)``."""
        return function(*args, **kwargs)


class InlineBranches:
    """Runs parts one after another."""

    async def all(self, name: str, parts: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:  # noqa: ARG002 - the port's
        """What the parts give, in their order."""
        return [await part() for part in parts]


class MemoryJournal:
    """A journal that ends with its run."""

    def __init__(self) -> None:
        self._results: dict[str, object] = {}

    async def once(
        self, step_key: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of the step, made once."""
        if step_key not in self._results:
            self._results[step_key] = await function()
        result = self._results[step_key]
        assert isinstance(result, result_type)
        return result

    def kept(self, prefix: str, result_type: type[T]) -> list[T]:
        """The results under keys that begin so."""
        found = (result for key, result in self._results.items() if key.startswith(prefix))
        return [result for result in found if isinstance(result, result_type)]


@dataclass(frozen=True, kw_only=True)
class MemoryRun:
    """A run without a database: what a handler needs and nothing kept."""

    job: Job
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    deadline: float | None = None

    @classmethod
    def of(cls, job_id: str, topic: str, configuration: Configuration | None = None) -> MemoryRun:
        """The run of a research on ``topic``, with the default settings if none are given."""
        question = Question(topic=topic, configuration=configuration or Configuration())
        return cls(job=_job(job_id, topic, to_payload(question)))

    async def emit(self, event_type: str, data: Mapping[str, object]) -> None:
        """Nobody listens."""

    async def progress(self, fraction: float) -> None:
        """Nobody looks."""

    def check(self) -> None:
        """Nobody cancels."""


class Sources:
    """The stored documents of a data set."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    async def sources(self, source_ids: Sequence[str]) -> dict[str, Source]:
        """Those of the stored documents that there are, by id."""
        return {one: self._sources[one] for one in source_ids if one in self._sources}

    async def source(self, source_id: str) -> Source:
        """The document of that id. Raises ``NotFound``."""
        if source_id not in self._sources:
            raise NotFound(f"there is no source {source_id}")
        return self._sources[source_id]


class Reports:
    """Keeps reports in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def save(self, lease: Lease, report: str, *, source_ids: Sequence[str]) -> None:
        """Keep the report of a job."""
        assert source_ids
        self.kept[lease.job_id] = report

    async def get(self, job_id: str) -> str:
        """The report of a job."""
        return self.kept[job_id]


def _job(job_id: str, topic: str, payload: Mapping[str, object]) -> Job:
    return Job(
        job_id=job_id,
        kind=KIND,
        payload=payload,
        title=topic,
        status=JobStatus.RUNNING,
        attempt=1,
        lease_owner="bench",
        lease_token=1,
        started_at=0.0,
    )


def _stored(row: Mapping[str, Any]) -> StoredSource:
    text, title, source_id = str(row["text"]), str(row.get("title", "")), str(row["id"])
    source = Source(
        source_id=source_id,
        collection="bench",
        document_id=source_id,
        path="corpus.jsonl",
        title=title,
        url="",
        published="",
        language="en",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )
    return StoredSource(source=source, passages=(passage_of(source, 0, len(text)),))


def _citations(report: Report | None) -> list[Citation]:
    claims = all_claims(report) if report else ()
    return [citation for claim in claims for citation in claim.citations]


def _is_verbatim(citation: Citation, data: DataSet) -> bool:
    source = data.sources.get(citation.source_id)
    return source is not None and source.text[citation.start : citation.end] == citation.quote


def _gold_sentences(gold: Mapping[str, list[int]]) -> set[tuple[str, int]]:
    return {(doc, number) for doc, numbers in gold.items() for number in numbers}


def _sentences(claims: Iterable[Claim], data: DataSet) -> set[tuple[str, int]]:
    """The labelled sentences that claims quote: those that hold the middle of a quote."""
    found: set[tuple[str, int]] = set()
    for claim in claims:
        for citation in claim.citations:
            number = _sentence_at(data.documents[citation.source_id]["sents"], citation)
            found.add((citation.source_id, number))
    return found


def _sentence_at(sentences: Sequence[str], citation: Citation) -> int:
    middle, end = (citation.start + citation.end) / 2, 0
    for number, sentence in enumerate(sentences):
        end += len(sentence)
        if middle < end:
            return number
    return len(sentences) - 1


def _f1(chosen: set[tuple[str, int]], gold: set[tuple[str, int]]) -> float:
    shared = len(chosen & gold)
    return 2 * shared / (len(chosen) + len(gold)) if shared else 0.0


def _answer_inside(query: Mapping[str, Any], claims: Sequence[Claim]) -> float:
    distinct = list(dict.fromkeys(claim.text for claim in claims))
    text = f" {_normalised(' '.join(distinct[:5]))} "
    answers = [query["answer"], *query.get("aliases", [])]
    return float(any(f" {_normalised(answer)} " in text for answer in answers))


def _normalised(text: str) -> str:
    lowered = _ARTICLES.sub(" ", text.casefold().translate(_PUNCTUATION))
    return " ".join(lowered.split())


def _rouge(report: Report | None, lead: str) -> float:
    """ROUGE-1 F of the report's sentences, cut at the lead's number of words.

    Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004).
    """
    claims = all_claims(report) if report else ()
    said = " ".join(dict.fromkeys(claim.text for claim in claims)).split()
    ours = Counter(words.stems(" ".join(said[: len(lead.split())]), "en"))
    theirs = Counter(words.stems(lead, "en"))
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 0.0
