"""Answers of the service, as the program's own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.jobs import Event, Job, JobStatus, StopReason
from wiseflow.core.library import Collection
from wiseflow.core.report import SourceReference

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some researches, the newest first.

    Args:
        researches: those of this page.
        next_cursor: of the page after it; "" on the last.
    """

    researches: tuple[Job, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a research would need outside.

    Args:
        calls, tokens: about.
        cost: at most, in US dollars; ``None`` where a price is not known.
        unpriced: who has no known price.
    """

    calls: int
    tokens: int
    cost: float | None
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question to a report.

    Args:
        job: that answers it.
        answer: a report of one section, as the JSON contract's dict; ``None`` while there is none.
    """

    job: Job
    answer: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A source of a report, with its stored text."""

    id: str
    title: str
    url: str
    path: str
    published: str
    language: str
    sha256: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file of a collection; ``error`` says why it could not be read, or is ""."""

    name: str
    size: int
    sha256: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReport:
    """What became of an upload: counts of files, those that failed by name, and passages."""

    added: int
    changed: int
    unchanged: int
    failed: Mapping[str, str]
    passages: int


def job_of(told: Mapping[str, Any], kind: str = "research") -> Job:
    """The job that an answer tells of."""
    payload = {"topic": told["topic"], "configuration": told.get("configuration", {})}
    follows = {"follows": told["follows"]} if told.get("follows") else {}
    return Job(
        job_id=told["id"],
        kind=kind,
        payload={**payload, **follows},
        title=told["topic"],
        status=JobStatus(told["status"]),
        priority=TaskPriority(told["priority"]),
        tags=tuple(told["tags"]),
        metadata=told["metadata"],
        progress=told["progress"],
        partial=told["partial"],
        stop_reason=StopReason(told["stop_reason"]) if told["stop_reason"] else None,
        error=told["error"],
        cost=told["cost"],
        attempt=told["attempt"],
        cancel_requested=told["cancel_requested"],
        created_at=told["created_at"],
        started_at=told["started_at"],
        completed_at=told["completed_at"],
    )


def question_of(told: Mapping[str, Any]) -> AskedQuestion:
    """The question that an answer tells of."""
    return AskedQuestion(job=job_of(told, "question"), answer=told["answer"])


def page_of(told: Mapping[str, Any]) -> Page:
    """The page that an answer is."""
    jobs = tuple(job_of(one) for one in told["researches"])
    return Page(researches=jobs, next_cursor=told["next_cursor"] or "")


def event_of(research_id: str, number: int, told: Mapping[str, Any]) -> Event:
    """The event that a message tells."""
    return Event(
        job_id=research_id, number=number, at=told["at"], type=told["type"], data=told["data"]
    )


def hit_of(told: Mapping[str, Any]) -> Hit:
    """The passage that an answer tells of."""
    start, end, source_id = told["start"], told["end"], told["source_id"]
    passage = Passage(
        passage_id=f"{source_id}:{start}-{end}",
        source_id=source_id,
        start=start,
        end=end,
        text=told["text"],
        title=told["title"],
        heading=told["heading"],
    )
    known = {name: told[name] for name in ("document_id", "url", "published", "language")}
    return Hit(passage=passage, score=told["score"], **known)


def upload_of(told: Mapping[str, Any]) -> UploadReport:
    """What an answer tells of an upload."""
    failed = {one["name"]: one["reason"] for one in told["failed"]}
    return record(UploadReport, {**told, "failed": failed})


def collections_of(told: Mapping[str, Any]) -> list[Collection]:
    """The collections that an answer names."""
    return records(Collection, told["collections"])


def references_of(told: Mapping[str, Any]) -> list[SourceReference]:
    """The bibliography that an answer is."""
    return records(SourceReference, told["sources"])


def records(kind: type[T], told: Sequence[Mapping[str, Any]]) -> list[T]:
    """Records of a kind, each of the members of one object."""
    return [record(kind, one) for one in told]


def record(kind: type[T], told: Mapping[str, Any]) -> T:
    """A record of the members that it has; what a newer service tells besides is passed over."""
    names = {one.name for one in fields(kind)}  # pyright: ignore[reportArgumentType]
    return kind(**{name: told[name] for name in names if name in told})
