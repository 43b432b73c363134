"""Checking the citations of a whole report against the stored sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Synthesis, WrittenSection
from wiseflow.core.documents import Source, span_of
from wiseflow.core.ports import SourceReader
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.verifying import Surroundings, verdict_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking found.

    Args:
        verdicts: of all citations in reading order.
        sha256: of the stored text of each cited source, by source id.
    """

    verdicts: tuple[Verdict, ...]
    sha256: dict[str, str]

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

    A citation of a source that is gone is unverified.

    Args:
        claims: in reading order.
        sources: the stored documents.
        language: ISO 639-1 code of the report, or "".
    """
    cited = dict.fromkeys(citation.source_id for claim in claims for citation in claim.citations)
    stored = await sources.sources(list(cited))
    return Checked(
        verdicts=tuple(_verdicts(claims, stored, language)),
        sha256={source_id: stored[source_id].sha256 for source_id in cited if source_id in stored},
    )


def _verdicts(
    claims: Iterable[Claim], sources: dict[str, Source], language: str
) -> Iterable[Verdict]:
    for claim in claims:
        for citation in claim.citations:
            source = sources.get(citation.source_id)
            if source is None:
                yield Verdict.UNVERIFIED
            else:
                around = _surroundings(claim, citation, source, language)
                yield verdict_of(
                    claim.text, citation, source.text, language=source.language, around=around
                )


def _surroundings(claim: Claim, citation: Citation, source: Source, language: str) -> Surroundings:
    span = span_of(citation.passage_id)
    others = (other.quote for other in claim.citations if other is not citation)
    return Surroundings(
        language=language,
        title=source.title,
        passage=source.text[span.start : span.end] if span else "",
        beside="\n".join(others),
    )
