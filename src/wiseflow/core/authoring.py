"""What the modes of research ask of an author and of a retriever.

A mode knows these records and the two ports only, so that the extractive author over the local
index and one that asks a model and the web are used by the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wiseflow.core.configuration import Configuration, ReportLength
from wiseflow.core.documents import Hit
from wiseflow.core.report import Citation, Claim, ReportAuthor, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A passage chosen for a purpose.

    Args:
        hit: the passage with what is known of its source.
        score: how well it serves the purpose; comparable within one ``Gathered`` only.
        provider: who found it; ``documents`` for the local index.
    """

    hit: Hit
    score: float
    provider: str = "documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequest:
    """What to look for.

    Args:
        topic: the research's topic.
        queries: what to search for, the most important first.
        limit: at most so many passages.
        follow_ups: how many times a finding may lead to a new query.
        overview: whether to return broadly what there is, instead of a choice without repetition.
        exploring: whether the passages are read on and chosen from again, with those of other
            requests: then more of them are wanted, as they come.
        language: ISO 639-1 code of the report, or ``None`` for any.
        focus_entities: names that the evidence should be about.
    """

    topic: str
    queries: tuple[str, ...]
    limit: int
    follow_ups: int = 0
    overview: bool = False
    exploring: bool = False
    language: str | None = None
    focus_entities: tuple[str, ...] = ()


class Sought(StrEnum):
    """What a retriever may fail to get."""

    SEARCH = "search"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Something a retriever could not get, and went on without.

    Args:
        sought: what it was.
        name: the query, or the page's address.
        reason: why not, as a sentence.
    """

    sought: Sought
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a retriever found.

    Args:
        evidence: the best first.
        queries: the searches that were made, follow-ups included.
        considered: ids of the distinct passages that the searches returned.
        missed: what could not be searched or read.
    """

    evidence: tuple[Evidence, ...]
    queries: tuple[str, ...] = ()
    considered: tuple[str, ...] = ()
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSection:
    """A section to be written: its title and what to search for."""

    title: str
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the report will be about.

    Args:
        title: the report's title.
        language: ISO 639-1 code of the report, or "" when the documents do not tell.
        sections: in order, at least one.
    """

    title: str
    language: str
    sections: tuple[PlannedSection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One section to write.

    Args:
        topic: the research's topic.
        section: its title and queries.
        evidence: what may be cited, the best first.
        language: ISO 639-1 code of the report, or "".
        length: how long it may get.
        place: which section of the plan it is, from 0.
        remarks: what a critic found wanting in an earlier draft, as sentences.
    """

    topic: str
    section: PlannedSection
    evidence: tuple[Evidence, ...]
    language: str
    length: ReportLength
    place: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was written for a section.

    Args:
        claims: in reading order; none when the evidence held nothing to say.
        spare: the best first, to take the place of claims that another section holds, too.
        dropped: how many sentences were left out, as they cited nothing that was given.
        repaired: how many were mended, as a passage did not support them.
        withdrawn: how many were left out, as no passage supports them.
    """

    claims: tuple[Claim, ...]
    spare: tuple[Claim, ...] = ()
    dropped: int = 0
    repaired: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSection:
    """A section with what it was written from."""

    section: PlannedSection
    evidence: tuple[Evidence, ...]
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question that was searched for, to be read on.

    Args:
        topic: the research's topic.
        question: what is to be known: a section's title, or a further question.
        queries: what was searched for it.
        evidence: what was found, the best first.
        asked: what was searched for already, all over the research.
        language: ISO 639-1 code of the report, or "".
        most: at most so many further questions.
        step: names it in the journal.
    """

    topic: str
    question: str
    queries: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    asked: tuple[str, ...]
    language: str
    most: int
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What reading showed.

    Args:
        answered: whether the passages answer the question, so that nothing more is asked.
        relevant: ids of the passages that help to answer it, the best first.
        entities: who and what they tell of.
        questions: what to search for next, the most promising first.
    """

    answered: bool
    relevant: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Why a section is sent back.

    Args:
        section: its place in the plan, from 0.
        problem: what is wanting, as a sentence.
        queries: what to search for, so that it can be mended.
    """

    section: int
    problem: str
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Critique:
    """What a critic says of a report to be; no remark where nothing is wanting."""

    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """What joins the sections.

    Args:
        summary: the few claims that answer the topic best.
        not_found: what was asked for and no passage held, as sentences.
        dropped: how many sentences were left out, as they rested on nothing that was given.
        repaired, withdrawn: as of a ``Draft``.
    """

    summary: tuple[Claim, ...]
    not_found: tuple[str, ...] = ()
    dropped: int = 0
    repaired: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A claim of which words do not show that it holds.

    Args:
        claim: as it was written.
        passages: that it cites, each once.
        fault: what words find wrong with it, to be said after "it is in doubt, as"; "" when they
            only cannot tell.
    """

    claim: Claim
    passages: tuple[Hit, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """The doubted claims of one section.

    Args:
        topic: the research's topic.
        title: of the section.
        language: ISO 639-1 code of the report, or "".
        step: names the purpose within the run.
        doubts: in reading order, at least one.
    """

    topic: str
    title: str
    language: str
    step: str
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What an author says of a doubted claim.

    Args:
        verdict: on the claim; ``unverified`` for no opinion.
        citations: where the support stands that it saw; with ``supported`` only.
        rewritten: what the passages do support of it; ``None`` for nothing, or when not needed.
    """

    verdict: Verdict = Verdict.UNVERIFIED
    citations: tuple[Citation, ...] = ()
    rewritten: Claim | None = None


class Author(Protocol):
    """Plans and writes; cites only passages that it was given."""

    @property
    def author(self) -> ReportAuthor:
        """Who the report will name as its author."""
        ...

    async def plan(self, topic: str, configuration: Configuration, overview: Gathered) -> Plan:
        """The sections of a report on ``topic``, from what an overview of the documents shows.

        Raises:
            NoEvidence: the overview holds nothing on the topic.
        """
        ...

    async def read(self, inquiry: Inquiry) -> Findings:
        """What the passages found for a question show, and what they make one ask."""
        ...

    async def write(self, assignment: Assignment) -> Draft:
        """The claims of one section."""
        ...

    async def critique(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Critique:
        """Which sections are to be mended, and how."""
        ...

    async def synthesise(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Synthesis:
        """The summary of a report, and what was not found."""
        ...

    async def reconsider(self, doubts: Doubts) -> Sequence[Opinion]:
        """An opinion on each doubted claim, in order, and what could stand in its place."""
        ...


class Retriever(Protocol):
    """Finds passages."""

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request; none when nothing was found."""
        ...

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best for a request among passages that were found before; nothing is searched."""
        ...
