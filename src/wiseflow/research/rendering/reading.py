"""What Markdown and HTML share: numbers of citations, and facts as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wiseflow.core.report import (
    AuthorKind,
    Citation,
    Claim,
    Report,
    ReportAuthor,
    Section,
    SourceReference,
    Verdict,
)

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_SAFE_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+\Z", re.IGNORECASE)
NOT_FOUND_TITLE = "What was not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A numbered entry of the bibliography with the quotes that the report takes from it."""

    number: int
    source: SourceReference
    quotes: tuple[Citation, ...]

    def anchor(self, citation: Citation) -> str:
        """Where in the page a quote of this entry stands."""
        spans = [(quote.start, quote.end) for quote in self.quotes]
        return f"source-{self.number}-{spans.index((citation.start, citation.end)) + 1}"


def all_claims(report: Report) -> Iterator[Claim]:
    """Every claim of a report in reading order: the summary, then section by section."""
    yield from report.summary
    yield from section_claims(report.sections)


def section_claims(sections: Iterable[Section]) -> Iterator[Claim]:
    """Every claim of sections and their subsections in reading order."""
    for section in sections:
        yield from section.claims
        yield from section_claims(section.subsections)


def references(report: Report) -> dict[str, Reference]:
    """The bibliography by source id, numbered from 1 in the report's order.

    A source that is cited and missing in the bibliography gets an entry with its id alone.
    """
    quotes: dict[str, dict[tuple[int, int], Citation]] = {}
    for claim in all_claims(report):
        for citation in claim.citations:
            spans = quotes.setdefault(citation.source_id, {})
            spans.setdefault((citation.start, citation.end), citation)
    sources = {source.id: source for source in report.sources}
    for source_id in quotes:
        sources.setdefault(source_id, _bare(source_id))
    return {
        source.id: Reference(
            number=number,
            source=source,
            quotes=tuple(citation for _, citation in sorted(quotes.get(source.id, {}).items())),
        )
        for number, source in enumerate(sources.values(), start=1)
    }


def paragraphs(claims: Iterable[Claim]) -> list[list[Claim]]:
    """Claims in paragraphs: neighbours that cite the same source first stand together."""
    result: list[list[Claim]] = []
    last: str | None = None
    for claim in claims:
        source_id = claim.citations[0].source_id if claim.citations else ""
        if not result or source_id != last:
            result.append([])
        result[-1].append(claim)
        last = source_id
    return result


def printable(text: str) -> str:
    """``text`` on one line, with what would move the cursor or turn the direction replaced."""
    return " ".join(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).split())


def safe_address(url: str) -> str:
    """``url`` if a reader may follow it (http or https), else ""."""
    return url if _SAFE_ADDRESS.match(url) and not _CONTROL.search(url) else ""


def author_line(author: ReportAuthor) -> str:
    """Who wrote the report, as one sentence."""
    if author.kind is AuthorKind.EXTRACTIVE:
        return (
            "No language model was used: every sentence is quoted, word for word, "
            "from the documents it cites."
        )
    return f"Written by {', '.join(author.models) or 'a language model'}; citations were checked."


def verdict_line(report: Report) -> str:
    """How many citations held, as one sentence."""
    facts = report.facts
    count = f"{facts.citations} citation{'' if facts.citations == 1 else 's'}"
    return (
        f"{count} checked: {facts.supported} supported, "
        f"{facts.unsupported} unsupported, {facts.unverified} unverified."
    )


def fact_rows(report: Report) -> list[tuple[str, str]]:
    """The run facts with their labels."""
    facts = report.facts
    cost = "not known" if facts.cost is None else f"{facts.cost:.2f}"
    return [
        ("Research", report.id),
        ("Mode", report.mode.replace("_", "-")),
        ("Language", report.language or "not told"),
        ("Time", f"{facts.seconds:.2f} s"),
        ("Searches", str(facts.queries)),
        ("Passages considered", str(facts.passages_considered)),
        ("Calls to other machines", str(facts.calls)),
        ("Tokens", str(facts.tokens)),
        ("Cost", cost),
        ("Citations", verdict_line(report)),
    ]


def mark_of(verdict: Verdict) -> str:
    """A sign beside a citation that does not hold; "" for one that does."""
    return {Verdict.SUPPORTED: "", Verdict.UNSUPPORTED: "✗", Verdict.UNVERIFIED: "?"}[verdict]


def _bare(source_id: str) -> SourceReference:
    return SourceReference(
        id=source_id, title="", url="", path="", published="", provider="", sha256=""
    )
