"""The report of a research: the records behind every export and the JSON contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from wiseflow.core.jobs import StopReason


class Verdict(StrEnum):
    """What checking a citation against its source found."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNVERIFIED = "unverified"


class AuthorKind(StrEnum):
    """Who wrote a report."""

    EXTRACTIVE = "extractive"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A pointer from a claim to characters of a stored source: ``text[start:end] == quote``.

    In a draft, the verdict is what a second judge said of it; ``unverified`` where none was asked.
    """

    source_id: str
    passage_id: str
    start: int
    end: int
    quote: str
    verdict: Verdict = Verdict.UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of a report and what it rests on."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of a report."""

    title: str
    claims: tuple[Claim, ...] = ()
    subsections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReference:
    """An entry of the bibliography.

    Args:
        id, title, url, path, published, sha256: of the stored source.
        provider: who found it.
        authors, site: as the source or who found it states them; empty where neither does.
    """

    id: str
    title: str
    url: str
    path: str
    published: str
    provider: str
    sha256: str
    authors: tuple[str, ...] = ()
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAuthor:
    """Who wrote a report, and with which models."""

    kind: AuthorKind
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A part of a report that could not be made.

    Args:
        step: that failed: ``sections/2/evidence``, ``sections/2/draft`` or ``summary``.
        title: of the section, or "".
        reason: what happened.
        budget: whether it was that the run may spend no more.
    """

    step: str
    title: str
    reason: str
    budget: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two sources that a section cites and that give different values for the same.

    Args:
        section: its title.
        values: what each says, as it stands there.
        citations: the sentence of each that says so.
    """

    section: str
    values: tuple[str, str]
    citations: tuple[Citation, Citation]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildsOn:
    """The earlier research that a follow-up started from.

    Args:
        research_id: of it; it may have been deleted since.
        title: of its report.
        sources: how many of the sources it read are cited by the follow-up.
    """

    research_id: str
    title: str
    sources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpan:
    """When a step of the run was made.

    Args:
        step: its key in the journal.
        title: of the section or the question it is about, or "".
        start_s, end_s: from the beginning of the attempt that ended the run.
    """

    step: str
    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run did and spent.

    Args:
        calls: calls to models and search providers outside this machine.
        tokens: tokens of models, in and out.
        cost: money spent, in the currency of the price list; ``None`` when it is not known.
        seconds: from the first step to the stored report.
        queries: searches over the documents.
        passages_considered: distinct passages the searches returned.
        citations, supported, unsupported, unverified: citations by verdict.
        dropped: sentences that a model wrote and that are left out, as they cited nothing that it
            was given.
        repaired: sentences that were written anew, or rid of a citation, as a passage did not
            support them.
        withdrawn: sentences that are left out, as their passages do not support them and that was
            asked for.
        disagreements: pairs of cited sources that say different things of the same.
        partial: whether something that the report should hold is lost.
        stop_reason: why the run stopped short; ``None`` when it did all that it could.
        lost: what is lost.
        builds_on: the earlier research that it started from, or ``None``.
    """

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    queries: int = 0
    passages_considered: int = 0
    citations: int = 0
    supported: int = 0
    unsupported: int = 0
    unverified: int = 0
    dropped: int = 0
    repaired: int = 0
    withdrawn: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    partial: bool = False
    stop_reason: StopReason | None = None
    lost: tuple[Loss, ...] = ()
    timeline: tuple[StepSpan, ...] = ()
    builds_on: BuildsOn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A cited report. Its JSON form is a contract; only its facts and sources may grow."""

    id: str
    topic: str
    mode: str
    status: str
    language: str
    author: ReportAuthor
    title: str
    summary: tuple[Claim, ...]
    sections: tuple[Section, ...]
    sources: tuple[SourceReference, ...]
    not_found: tuple[str, ...] = ()
    facts: RunFacts = field(default_factory=RunFacts)
