"""Checking the citations of a whole report against the stored sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Synthesis, WrittenSection
from wiseflow.core.documents import Source
from wiseflow.core.ports import SourceReader
from wiseflow.core.report import Claim, Verdict
from wiseflow.research.verifying import verdict_of


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


async def check_citations(claims: Sequence[Claim], sources: SourceReader) -> Checked:
    """The verdict of every citation, all sources read at once.

    A citation of a source that is gone is unverified.
    """
    cited = dict.fromkeys(citation.source_id for claim in claims for citation in claim.citations)
    stored = await sources.sources(list(cited))
    return Checked(
        verdicts=tuple(_verdicts(claims, stored)),
        sha256={source_id: stored[source_id].sha256 for source_id in cited if source_id in stored},
    )


def _verdicts(claims: Iterable[Claim], sources: dict[str, Source]) -> Iterable[Verdict]:
    for claim in claims:
        for citation in claim.citations:
            source = sources.get(citation.source_id)
            if source is None:
                yield Verdict.UNVERIFIED
            else:
                yield verdict_of(claim.text, citation, source.text, language=source.language)
