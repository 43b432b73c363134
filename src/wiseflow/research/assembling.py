"""Putting a report together from what the steps of a run left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from wiseflow.core.authoring import Plan, Synthesis, WrittenSection
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.documents import Hit
from wiseflow.core.jobs import JobStatus
from wiseflow.core.report import (
    Claim,
    Disagreement,
    Loss,
    Report,
    ReportAuthor,
    RunFacts,
    Section,
    SourceReference,
    StepSpan,
    Verdict,
)
from wiseflow.research.asking import Question
from wiseflow.research.checking import Byline, Checked
from wiseflow.research.disagreeing import disagreements
from wiseflow.research.losing import stop_reason, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a report is made of.

    Args:
        plan, author, written, synthesis, checked: results of the run's steps and who made them.
        losses: what could not be made.
        queries: searches over the documents.
        considered: distinct passages that they returned.
        seconds: how long the run took.
        timeline: its steps.
    """

    plan: Plan
    author: ReportAuthor
    written: tuple[WrittenSection, ...]
    synthesis: Synthesis
    checked: Checked
    losses: tuple[Loss, ...]
    queries: int
    considered: int
    seconds: float
    timeline: tuple[StepSpan, ...] = ()


def assemble(
    research_id: str, mode: ResearchMode, question: Question, material: Material
) -> Report:
    """The report: verdicts set, sections without a claim left out, sources in order of citation."""
    verdicts = iter(material.checked.verdicts)
    summary = _judged(material.synthesis.summary, verdicts)
    sections = tuple(
        Section(title=item.section.title, claims=_judged(item.draft.claims, verdicts))
        for item in material.written
        if item.draft.claims
    )
    counts = material.checked.counts()
    made = (*(item.draft for item in material.written), material.synthesis)
    return Report(
        id=research_id,
        topic=question.topic,
        mode=mode.value,
        status=JobStatus.COMPLETED.value,
        language=material.plan.language,
        author=material.author,
        title=material.plan.title,
        summary=summary,
        sections=sections,
        sources=_bibliography(summary, sections, material),
        not_found=(*told(material.losses), *material.synthesis.not_found),
        facts=RunFacts(
            seconds=round(material.seconds, 6),
            queries=material.queries,
            passages_considered=material.considered,
            dropped=sum(part.dropped for part in made),
            repaired=sum(part.repaired for part in made),
            withdrawn=sum(part.withdrawn for part in made),
            disagreements=tuple(one for item in material.written for one in _disagreements(item)),
            partial=bool(material.losses),
            stop_reason=stop_reason(material.losses),
            lost=material.losses,
            timeline=material.timeline,
            builds_on=None,
            **counts,
        ),
    )


def _disagreements(item: WrittenSection) -> tuple[Disagreement, ...]:
    """Where the passages disagree that a section cites."""
    cited = {citation.passage_id for claim in item.draft.claims for citation in claim.citations}
    hits = [one.hit for one in item.evidence if one.hit.passage.passage_id in cited]
    return disagreements(item.section.title, hits)


def _judged(claims: Iterable[Claim], verdicts: Iterator[Verdict]) -> tuple[Claim, ...]:
    return tuple(
        replace(
            claim,
            citations=tuple(
                replace(citation, verdict=next(verdicts)) for citation in claim.citations
            ),
        )
        for claim in claims
    )


def _bibliography(
    summary: tuple[Claim, ...], sections: tuple[Section, ...], material: Material
) -> tuple[SourceReference, ...]:
    claims = [*summary, *(claim for section in sections for claim in section.claims)]
    cited = dict.fromkeys(citation.source_id for claim in claims for citation in claim.citations)
    hits = {
        evidence.hit.passage.source_id: (evidence.hit, evidence.provider)
        for item in material.written
        for evidence in item.evidence
    }
    return tuple(_reference(*hits[source_id], material.checked) for source_id in cited)


def _reference(hit: Hit, provider: str, checked: Checked) -> SourceReference:
    byline = checked.bylines.get(hit.passage.source_id, Byline())
    return SourceReference(
        id=hit.passage.source_id,
        # Many documents of one file would all be named after it.
        title=hit.passage.title or hit.document_id,
        url=hit.url,
        path=hit.path,
        published=hit.published,
        provider=provider,
        sha256=checked.sha256.get(hit.passage.source_id, ""),
        authors=byline.authors,
        site=byline.site,
    )
