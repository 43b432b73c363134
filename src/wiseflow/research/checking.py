"""Checking the citations of a whole report against the stored sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wiseflow.core.authoring import Synthesis, WrittenSection
from wiseflow.core.documents import Source, span_of
from wiseflow.core.ports import SourceReader
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.verifying import Reason, Surroundings, agreed, reason_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Byline:
    """Who wrote a source, and which site or journal it is of."""

    authors: tuple[str, ...] = ()
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking found.

    Args:
        verdicts: of all citations in reading order.
        sha256: of the stored text of each cited source, by source id.
        bylines: of each cited source, by source id; none in journals of earlier versions.
    """

    verdicts: tuple[Verdict, ...]
    sha256: dict[str, str]
    bylines: dict[str, Byline] = field(default_factory=dict[str, Byline])

    def counts(self) -> dict[str, int]:
        """How many citations there are, in all and by verdict."""
        by_verdict = {str(verdict): self.verdicts.count(verdict) for verdict in Verdict}
        return {"citations": len(self.verdicts), **by_verdict}


def cited_claims(written: Sequence[WrittenSection], synthesis: Synthesis) -> tuple[Claim, ...]:
    """Every claim of a report to be, in reading order: the summary, then section by section."""
    return (*synthesis.summary, *(claim for item in written for claim in item.draft.claims))


async def check_citations(
    claims: Sequence[Claim], sources: SourceReader, *, language: str = ""
) -> Checked:
    """The verdict of every citation, all sources read at once.

    What a citation's own verdict says is taken for the opinion of a second judge; ``unverified``
    is none. A citation of a source that is gone is unverified without one.

    Args:
        claims: in reading order.
        sources: the stored documents.
        language: ISO 639-1 code of the report, or "".
    """
    looked = await look_at(claims, sources, language=language)
    verdicts = (
        agreed(reason, citation.verdict)
        for claim, reasons in zip(claims, looked.reasons, strict=True)
        for citation, reason in zip(claim.citations, reasons, strict=True)
    )
    stored = looked.stored
    return Checked(
        verdicts=tuple(verdicts),
        sha256={one: source.sha256 for one, source in stored.items()},
        bylines={
            one: Byline(authors=source.authors, site=source.site) for one, source in stored.items()
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What words find of claims.

    Args:
        reasons: of each claim, one for each of its citations.
        stored: the cited sources that there are, by id, in the order of citation.
    """

    reasons: tuple[tuple[Reason, ...], ...]
    stored: dict[str, Source]


async def look_at(claims: Sequence[Claim], sources: SourceReader, *, language: str = "") -> Looked:
    """What words find of every citation; arguments as in ``check_citations``."""
    cited = dict.fromkeys(citation.source_id for claim in claims for citation in claim.citations)
    stored = await sources.sources(list(cited))
    return Looked(
        reasons=tuple(reasons_for(claim, stored, language) for claim in claims),
        stored={one: stored[one] for one in cited if one in stored},
    )


def reasons_for(claim: Claim, stored: Mapping[str, Source], language: str) -> tuple[Reason, ...]:
    """What words find of each citation of a claim.

    Args:
        claim: a sentence of the report.
        stored: the cited sources, by id; of one that is missing nothing can be said.
        language: ISO 639-1 code of the report, or "".
    """
    return tuple(
        _reason(claim, citation, stored.get(citation.source_id), language)
        for citation in claim.citations
    )


def _reason(claim: Claim, citation: Citation, source: Source | None, language: str) -> Reason:
    if source is None:
        return Reason.OPEN
    around = _surroundings(claim, citation, source, language)
    return reason_for(claim.text, citation, source.text, language=source.language, around=around)


def _surroundings(claim: Claim, citation: Citation, source: Source, language: str) -> Surroundings:
    span = span_of(citation.passage_id)
    others = (other.quote for other in claim.citations if other is not citation)
    return Surroundings(
        language=language,
        title=source.title,
        passage=source.text[span.start : span.end] if span else "",
        beside="\n".join(others),
    )
